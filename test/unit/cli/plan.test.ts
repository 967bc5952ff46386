// --dry-run and --apply: the plan that is shown is the plan that runs, or nothing runs; two people who apply one plan.

import { aPolicy, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, journalStep, leaseOf, type Script, setLease } from './support';

const succeeds: Script = async (started, desk) => {
  await journalStep(desk, started, 'begin-switchover', { details: { by: started.input.by } });
  await journalStep(desk, started, 'withdraw-vip', { ms: 100 });
  await journalStep(desk, started, 'promote', { ms: 300 });
  await journalStep(desk, started, 'move-vip', { ms: 200 });
  await journalStep(desk, started, 'end', { epoch: 8, details: { outcome: 'done' } });
  return {
    status: 'SUCCEEDED',
    output: JSON.stringify({ epochBefore: 7, epoch: 8, oldMain: 'db1', candidate: 'db2' }),
  };
};

const planned = async (bench: Bench, line = 'switch alpha --dry-run'): Promise<string> =>
  String((await bench.run(`${line} --json`)).json().id);

const loseStream = async ({ desk }: Bench, node: string) => {
  const [report] = value(await desk.reports.list('alpha')).filter((one) => one.node === node);
  const { engine } = report ?? aReport('alpha', node);
  await desk.reports.put({ ...(report ?? aReport('alpha', node)), seq: 9, engine: { ...engine, streaming: false } });
};

describe('a dry run', () => {
  it('shows who and why not the others, the steps with the point of no return, the cost, and how to run exactly this', async () => {
    const bench = await healthy(createBench());
    const { code, out } = await bench.run('switch alpha --dry-run');
    expect(code).toBe(0);
    expect(out).toContain('EVALUATING db1(stored=50331648, applied=50331648, lag=0): it is the main');
    expect(out).toMatch(/ 7 {2}Transfer the lease {2}<- from here on only forward/);
    expect(out).toMatch(/ 4 {2}Withdraw the VIP {2}\(Undo: give the VIP back\)/);
    expect(out).toContain('no writes for about 1.5 s (no switchover on record: by the timings)');
    expect(out).toMatch(/mainstay switch alpha --apply 7-db2-[0-9a-f]{10}\n$/);
    expect(bench.operations.started).toEqual([]);
  });

  it('expects what this cluster has taken before', async () => {
    const bench = await healthy(createBench(succeeds));
    await bench.run('switch alpha');
    const { expected } = (await bench.run('switch alpha --dry-run --json')).json();
    expect(expected).toEqual({ writeGapMs: 600, source: 'median of 1 switchover of this cluster on record' });
  });

  it('of a failover tells what may be lost, and which way it was forced', async () => {
    const bench = await healthy(createBench());
    const { code, out } = await bench.run('failover alpha --force --dry-run');
    expect(code).toBe(0);
    expect(out).toContain('at risk: 0 B by the last reports, and whatever the main acknowledges after them');
    expect(out).toMatch(/mainstay failover alpha --force --apply 7-db2-/);
  });

  it('has the same id for the same state, though the main renews and the backups report', async () => {
    const bench = await healthy(createBench());
    const first = await planned(bench);
    await setLease(bench, { renewals: 99 });
    await bench.desk.reports.put(aReport('alpha', 'db2', { seq: 7, seen: { epoch: 7, version: 40 } }));
    expect(await planned(bench)).toBe(first);
  });
});

describe('applying a plan', () => {
  it('starts exactly it: the candidate that was shown, under the plan’s own name, bound to its epoch', async () => {
    const bench = await healthy(createBench(succeeds));
    const id = await planned(bench, 'switch alpha --to db3 --dry-run');
    const { code } = await bench.run(`switch alpha --apply ${id} --reason "kernel update"`);
    expect(code).toBe(0);
    expect(bench.operations.started).toEqual([
      {
        kind: 'switchover',
        name: `alpha-switchover-${id.split('-').at(-1)}`,
        input: {
          ...{ cluster: 'alpha', to: 'db3', by: 'ann', reason: 'kernel update' },
          plan: { id, epoch: 7, request: expect.any(String) },
        },
      },
    ]);
  });

  it.each<[string, (bench: Bench) => Promise<unknown>, RegExp]>([
    ['the epoch has grown', (bench) => setLease(bench, { epoch: 8 }), /was made at epoch 7, and the epoch is 8/],
    [
      'the candidate lost its stream',
      (bench) => loseStream(bench, 'db2'),
      /db2 cannot become main now: its stream from the main is broken/,
    ],
    [
      'another node cannot take over any more',
      (bench) => loseStream(bench, 'db3'),
      /policy, configuration, or who could take over has changed since/,
    ],
    [
      'the policy was changed',
      ({ desk }) => desk.settings.putPolicy('alpha', aPolicy({ mode: 'manual' })),
      /policy, configuration, or who could take over has changed since/,
    ],
  ])('is refused with 3 when %s, and nothing is started (T53, T54)', async (_, happen, why) => {
    const bench = await healthy(createBench(succeeds));
    const id = await planned(bench);
    await happen(bench);
    const { code, err } = await bench.run(`switch alpha --apply ${id}`);
    expect(err).toMatch(why);
    expect(err).toContain('next: look again: mainstay switch alpha --dry-run');
    expect(code).toBe(3);
    expect(bench.operations.started).toEqual([]);
  });

  it.each([
    ['--force', '', 'with force'],
    ['', '--force', 'without force'],
    ['--force', '--force --accept-loss', 'without acceptLoss'],
    ['--force --accept-loss', '', 'with force and with acceptLoss'],
  ])('of a failover %s, asked for "%s", is refused and names what differs', async (made, asked, differs) => {
    const bench = await healthy(createBench());
    if (made === '') await setLease(bench, { phase: 'abdicated' });
    const id = await planned(bench, `failover alpha ${made} --dry-run`);
    const { code, err } = await bench.run(`failover alpha ${asked} --reason x --apply ${id}`);
    expect(err).toContain(`plan ${id} is not applied: it was made ${differs}, unlike what is asked now`);
    expect(err).toContain(`next: ask as it was made: mainstay failover alpha ${made} --apply ${id}`.replace('  ', ' '));
    expect(code).toBe(3);
    expect(bench.operations.started).toEqual([]);
  });

  it('with other flags, and after something else has changed, says what has changed', async () => {
    const bench = await healthy(createBench());
    const id = await planned(bench, 'failover alpha --force --dry-run');
    await setLease(bench, { epoch: 8 });
    const { err } = await bench.run(`failover alpha --apply ${id}`);
    expect(err).toContain(
      'it was made at epoch 7, and the epoch is 8; next: look again: mainstay failover alpha --dry-run',
    );
  });

  it('twice at once: one wins, the other is told by whom and where to look (T49)', async () => {
    const bench = await healthy(createBench());
    const id = await planned(bench);
    const first = await bench.run(`switch alpha --apply ${id} --no-wait --by ann`);
    const second = await bench.run(`switch alpha --apply ${id} --no-wait --by ann`);
    expect([first.code, second.code]).toEqual([0, 3]);
    expect(second.err).toContain(
      `plan ${id} was applied by somebody else; next: see: mainstay history alpha --operation`,
    );
    expect(bench.operations.started).toHaveLength(1);
    expect((await leaseOf(bench)).operation).toBeNull();
  });
});
