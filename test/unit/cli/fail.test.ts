// fail: the power of a node is cut where that rehearses something and nowhere else; what follows is watched, measured, recorded, and never
// helped along. The cluster's own reaction is played by a script; power is in memory, with EC2's states.

import { defaultTimings } from '../../../core/timings';
import type { Execution } from '../../../desk/operations';
import { aConfig, aNode, value } from '../../support/samples';
import { failover, powerOf, serving, takeOver, whenOff } from './failures';
import { type Bench, createBench, healthy, journalStep, leaseOf, setLease } from './support';

const ready = (): Promise<Bench> => healthy(createBench());
const recordsOf = async ({ desk }: Bench, rule: string) =>
  value(await desk.journal.list('alpha')).filter((entry) => entry.rule === rule);

/** Nothing was cut, nothing is on record, and the lease is as it was. */
async function expectUntouched(bench: Bench, before: unknown): Promise<void> {
  for (const node of ['db1', 'db2', 'db3']) expect(await powerOf(bench, node)).toBe('running');
  expect(await recordsOf(bench, 'fail')).toEqual([]);
  expect(await recordsOf(bench, 'drill')).toEqual([]);
  expect(await leaseOf(bench)).toEqual(before);
}

async function refused(bench: Bench, code: number, saying: RegExp, args = 'db1 --reason x --yes'): Promise<void> {
  const before = await leaseOf(bench);
  const ran = await bench.run(`fail alpha ${args}`);
  expect({ code: ran.code, err: ran.err }).toEqual({ code, err: expect.stringMatching(saying) });
  expect(ran.err).toMatch(/; next: .*\n$/);
  await expectUntouched(bench, before);
}

describe('fail of the main', () => {
  it('cuts its power, follows the failover that this causes, and records it against what was asked for', async () => {
    const bench = await ready();
    void whenOff(bench, 'db1', () => takeOver(bench, 4300));
    const { code, err, out } = await bench.run('fail alpha db1 --reason "first Tuesday" --rto 10s --yes');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain("POWER OF 'db1@alpha' IS CUT");
    expect(out).toContain('fence');
    expect(out).toMatch(/took over.*no writes for at most 4\.\d s, 10\.0 s were asked for: met/);
    expect(out).toContain('next: mainstay recover alpha db1');
    expect(await powerOf(bench, 'db1')).toBe('stopped');
    expect(bench.operations.started).toEqual([]);
    expect(await recordsOf(bench, 'fail')).toMatchObject([
      { actor: 'operator:ann', epoch: 7, details: { node: 'db1', reason: 'first Tuesday' } },
    ]);
    expect(await recordsOf(bench, 'drill')).toMatchObject([
      {
        actor: 'operator:ann',
        because: expect.stringContaining('db2 took over, db1 proven stopped by power-off, at least 2.0 KiB lost'),
        details: { node: 'db1', operations: [failover], objectiveMs: 10_000, met: true, loss: { atLeastBytes: 2048 } },
      },
    ]);
  });

  it('ends with 1 when it took longer than was asked for, one document all the same', async () => {
    const bench = await ready();
    void whenOff(bench, 'db1', () => takeOver(bench, 4300));
    const { code, json } = await bench.run('fail alpha db1 --reason x --rto 2s --yes --json');
    expect(code).toBe(1);
    expect(json()).toMatchObject({
      ...{ cluster: 'alpha', node: 'db1', role: 'main', objectiveMs: 2000, met: false },
      ...{ operation: { operation: failover, to: 'db2' }, next: 'mainstay recover alpha db1' },
    });
    expect(await recordsOf(bench, 'drill')).toMatchObject([{ details: { met: false } }]);
  });

  it('finds a failover that was over between two looks by its claim, and none of an earlier epoch', async () => {
    const bench = await ready();
    const earlier = { kind: 'failover' as const, name: 'alpha-failover-e6-r1-0', input: { cluster: 'alpha', by: 'x' } };
    await bench.clock.until(journalStep(bench.desk, earlier, 'claim', { epoch: 7 }));
    const { desk } = bench;
    const swift = { ...desk, clock: { ...desk.clock, sleep: async () => undefined } };
    void whenOff(bench, 'db1', () => takeOver({ ...bench, desk: swift }, 4300));
    const { code, json } = await bench.run('fail alpha db1 --reason x --yes --json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ operation: { operation: failover } });
  });

  it('a failover that it cannot name is not taken for an earlier one', async () => {
    const bench = await ready();
    const earlier = { kind: 'failover' as const, name: 'alpha-failover-e6-r1-0', input: { cluster: 'alpha', by: 'x' } };
    await bench.clock.until(journalStep(bench.desk, earlier, 'claim', { epoch: 7 }));
    void whenOff(bench, 'db1', () => setLease(bench, { epoch: 8, holder: 'db2' }));
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes --timeout 30');
    expect(err).toMatch(/a failover from db1 is still awaited/);
    expect(code).toBe(8);
  });

  it('takes a gap of which only a part is known for not measured, and then not for met', async () => {
    const bench = await ready();
    void whenOff(bench, 'db1', () => takeOver(bench, 200));
    const { code, out } = await bench.run('fail alpha db1 --reason x --rto 1h --yes');
    expect(out).toMatch(/how long there were no writes was NOT MEASURED, .*MISSED/);
    expect(code).toBe(1);
  });

  it('a failover that fails is a failed drill, on record, though its own step calls it refused', async () => {
    const bench = await ready();
    const cause = JSON.stringify({ message: 'nobody is left', next: 'see the runbook' });
    const end: Execution = { status: 'FAILED', error: 'Undo.NoCandidate', cause };
    void whenOff(bench, 'db1', () => takeOver(bench, 4300, end));
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes');
    expect(err).toContain('nobody is left; next: see the runbook');
    expect(code).toBe(1);
    expect(await recordsOf(bench, 'drill')).toMatchObject([
      { because: expect.stringContaining('FAILED: nobody is left'), details: { met: false } },
    ]);
  });

  it('T60: a host that shut down cleanly first has paused the service: told at once, because nobody takes over', async () => {
    const bench = await ready();
    void whenOff(bench, 'db1', () => setLease(bench, { phase: 'paused', pausedBy: 'stop' }));
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes');
    expect(err).toMatch(/shut down cleanly .*; next: mainstay failover alpha --force/);
    expect(code).toBe(1);
    expect(await recordsOf(bench, 'drill')).toHaveLength(1);
  });

  it('at the deadline says why nobody has taken over yet, and that it goes on', async () => {
    const bench = await ready();
    const started = { kind: 'failover' as const, name: failover, input: { cluster: 'alpha', by: 'automatic' } };
    void whenOff(bench, 'db1', (desk) =>
      journalStep(desk, started, 'verify', { kind: 'refusal', rule: 'Undo.Braked', because: 'the brake holds alpha' }),
    );
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes --timeout 30');
    expect(err).toMatch(
      /still awaited \(Undo\.Braked: the brake holds alpha\); next: mainstay watch alpha; afterwards mainstay recover alpha db1/,
    );
    expect(code).toBe(8);
    expect(await recordsOf(bench, 'fail')).toHaveLength(1);
  });

  it('after Ctrl-C leaves off watching, and says what goes on', async () => {
    const bench = await ready();
    const looks: number[] = [];
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes', { interrupted: () => looks.push(0) > 3 });
    expect(err).toMatch(
      /a failover from db1 is still awaited; next: mainstay watch alpha; afterwards mainstay recover/,
    );
    expect(code).toBe(8);
    expect(await powerOf(bench, 'db1')).not.toBe('running');
  });

  it('before the cut Ctrl-C stops it', async () => {
    const bench = await ready();
    const before = await leaseOf(bench);
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes', { interrupted: () => true });
    expect(err).toMatch(/interrupted: nothing was cut/);
    expect(code).toBe(3);
    await expectUntouched(bench, before);
  });
});

describe('fail of a backup', () => {
  it('waits until it is missed, sees that the main serves on, and records both', async () => {
    const bench = await ready();
    void serving(bench);
    const { code, err, json } = await bench.run('fail alpha db2 --reason "backup drill" --yes --json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { noticedMs } = json() as { noticedMs: number };
    expect(noticedMs).toBeGreaterThanOrEqual(3 * defaultTimings.reportMs);
    expect(json()).toMatchObject({ role: 'backup', main: 'db1', epoch: 7, next: 'mainstay recover alpha db2' });
    expect(await powerOf(bench, 'db2')).toBe('stopped');
    expect((await leaseOf(bench)).epoch).toBe(7);
    expect(await recordsOf(bench, 'drill')).toMatchObject([{ details: { node: 'db2', main: 'db1', noticedMs } }]);
  });

  it('is not over while commits still wait for it', async () => {
    const bench = await ready();
    await setLease(bench, { synced: ['db2'] });
    void serving(bench);
    const { code, err } = await bench.run('fail alpha db2 --reason x --yes --timeout 40');
    expect(err).toMatch(/db2 being missed is still awaited/);
    expect(code).toBe(8);
  });

  it('T11: is not over while its instance is only stopping', async () => {
    const bench = await ready();
    const { state } = bench.desk.power;
    bench.desk.power.state = async (id) => {
      const now = await state(id);
      return now.ok && now.value === 'stopped' ? { ok: true, value: 'stopping' } : now;
    };
    void serving(bench);
    const { code, err } = await bench.run('fail alpha db2 --reason x --yes --timeout 40');
    expect(err).toMatch(/db2 being missed is still awaited/);
    expect(code).toBe(8);
  });

  it('a main that does not renew is no success', async () => {
    const bench = await ready();
    const { code, err } = await bench.run('fail alpha db2 --reason x --yes --timeout 60');
    expect(err).toMatch(/db1 renewing the lease without db2 is still awaited/);
    expect(code).toBe(8);
    expect(await recordsOf(bench, 'drill')).toEqual([]);
  });

  it('a main that loses the role by it is a failed drill', async () => {
    const bench = await ready();
    void whenOff(bench, 'db2', () => setLease(bench, { phase: 'abdicated' }));
    const { code, err } = await bench.run('fail alpha db2 --reason x --yes');
    expect(err).toMatch(/db1 did not serve on without db2: the lease is abdicated/);
    expect(code).toBe(1);
    expect(await recordsOf(bench, 'drill')).toMatchObject([{ details: { met: false } }]);
  });
});

describe('fail --dry-run', () => {
  it('of the main says who would take over, for how long nobody could write, and what may be lost; and does nothing', async () => {
    const bench = await ready();
    const before = await leaseOf(bench);
    const { code, out } = await bench.run('fail alpha db1 --dry-run');
    expect(code).toBe(0);
    expect(out).toContain('db1 is proven stopped, and db2 takes over');
    expect(out).toMatch(/no writes for about \d+\.\d s/);
    expect(out).toContain('at risk: 0 B by the last reports, and whatever the main acknowledges after them');
    await expectUntouched(bench, before);
  });

  it('of a backup says who could still take over without it', async () => {
    const bench = await ready();
    const { json } = await bench.run('fail alpha db2 --dry-run --json');
    expect(json()).toMatchObject({ dryRun: true, role: 'backup', candidate: null });
    expect(json().atRisk).toBe('db1 serves on, and db3 could take over from it');
  });

  it('of the only backup says that nobody could take over meanwhile', async () => {
    const bench = await ready();
    await bench.desk.settings.putConfig(aConfig('alpha', { nodes: [aNode('db1'), aNode('db2')] }));
    const { out } = await bench.run('fail alpha db2 --dry-run');
    expect(out).toContain('nobody could take over from db1 until db2 is back');
  });
});

describe('fail is refused, and cuts nothing,', () => {
  it('without --yes: what it would cut', async () =>
    refused(
      await ready(),
      3,
      /cuts the power of db1 \(i-db1\): .*; next: mainstay fail alpha db1 --reason TEXT --yes/,
      'db1 --reason x',
    ));

  it('without a reason', async () => refused(await ready(), 2, /power is cut with a reason/, 'db1 --reason " " --yes'));

  it('of a node that is none', async () =>
    refused(await ready(), 2, /there is no node 'db9' in alpha/, 'db9 --reason x --yes'));

  it('of a backup, with an objective for the main', async () =>
    refused(await ready(), 2, /--rto is about the main, and db2 is a backup/, 'db2 --reason x --rto 5s --yes'));

  it('where the objective is no duration', async () =>
    refused(await ready(), 2, /'soon' is not a duration/, 'db1 --reason x --rto soon --yes'));

  it.each([
    ['manual', /with policy manual nobody takes over by itself; next: mainstay policy alpha automatic/, null],
    ['maintenance', /no drill now: policy maintenance/, '2099-01-01T00:00:00.000Z'],
  ] as const)('of the main with policy %s', async (mode, saying, until) => {
    const bench = await ready();
    await bench.desk.settings.putPolicy('alpha', { mode, until, by: 'bob', reason: 'x', at: bench.desk.clock.wall() });
    await refused(bench, 3, saying);
  });

  it('while an operation is under way', async () => {
    const bench = await ready();
    bench.operations.executions.set('alpha-switchover-1', { status: 'RUNNING' });
    const operation = { id: 'alpha-switchover-1', kind: 'switchover' as const, by: 'bob', since: 'then' };
    await setLease(bench, { operation });
    await refused(bench, 3, /switchover alpha-switchover-1 by bob is running since then/);
  });

  it('while one that was left behind is not settled', async () => {
    const bench = await ready();
    const operation = { id: 'alpha-switchover-1', kind: 'switchover' as const, by: 'bob', since: 'then' };
    await setLease(bench, { operation });
    await refused(bench, 3, /alpha-switchover-1 was left behind and is not settled yet; next: mainstay watch alpha/);
  });

  it('where nobody else could take over', async () => {
    const bench = await ready();
    await setLease(bench, {
      barred: { db2: { by: 'bob', reason: 'old disk', at: '' }, db3: { by: 'bob', reason: 'old disk', at: '' } },
    });
    await refused(bench, 3, /no drill now: nobody could take over: .*old disk.*; next: mainstay explain alpha/);
  });

  it('where something is ill already', async () => {
    const bench = await ready();
    await bench.clock.advance(16_000);
    await refused(bench, 3, /no drill now: /);
  });

  it('where nobody serves', async () => {
    const bench = await ready();
    await setLease(bench, { phase: 'paused', pausedBy: 'operator' });
    await refused(bench, 3, /nobody of alpha serves: the lease is paused/);
  });

  it('of a node that is kept out already', async () => {
    const bench = await ready();
    await setLease(bench, { shunned: { db2: { label: 'FAILED-OVER-TO-db1', epoch: 7 } } });
    await refused(bench, 3, /db2 is kept out already.*; next: mainstay recover alpha db2/, 'db2 --reason x --yes');
  });

  it('where only a person could prove the main stopped', async () => {
    const bench = await ready();
    const config = value(await bench.desk.settings.config('alpha'));
    await bench.desk.settings.putConfig(aConfig('alpha', { ...config, fence: ['demote-ack', 'operator'] }));
    await refused(
      bench,
      3,
      /nothing could prove a dead main of alpha stopped but a person \(fence: demote-ack, operator\)/,
    );
  });

  it('of the last backup that a strict cluster has', async () => {
    const bench = await ready();
    const replication = { mode: 'strict' as const, backups: 1 };
    await bench.desk.settings.putConfig(aConfig('alpha', { nodes: [aNode('db1'), aNode('db2')], replication }));
    await setLease(bench, { synced: ['db2'] });
    await refused(bench, 3, /nobody could write; next: bring another backup up first/, 'db2 --reason x --yes');
  });

  it('of an instance that does not run', async () => {
    const bench = await ready();
    bench.power.set('i-db2', 'stopping');
    const { code, err } = await bench.run('fail alpha db2 --reason x --yes');
    expect(err).toMatch(/the instance of db2, i-db2, is stopping already; next: mainstay recover alpha db2/);
    expect(code).toBe(3);
    expect(await recordsOf(bench, 'fail')).toEqual([]);
  });

  it.each([
    ['is at another epoch', { epoch: 8 }],
    ['has an operation', { operation: { id: 'x', kind: 'switchover' as const, by: 'bob', since: 'then' } }],
  ])('when the cluster %s between judgement and cut', async (_, change) => {
    const bench = await ready();
    const { state } = bench.desk.power;
    bench.desk.power.state = async (id) => {
      await setLease(bench, change);
      return state(id);
    };
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes');
    expect(err).toMatch(/alpha has changed since this was judged; next: look again: mainstay status alpha/);
    expect(code).toBe(3);
    expect(await powerOf({ ...bench, power: { ...bench.power, state } }, 'db1')).toBe('running');
  });

  it('when it cannot be put on record', async () => {
    const bench = await ready();
    const problem = { code: 'Unreachable' as const, message: 'no journal', next: 'try again' };
    bench.desk.journal.append = async () => ({ ok: false, error: problem });
    await refused(bench, 5, /no journal; next: try again/);
  });

  it('when EC2 does not allow it: not authorised, and on record', async () => {
    const bench = await ready();
    const error = {
      ...{ code: 'Broken' as const, message: 'ec2:StopInstances: not authorized', next: 'x' },
      details: { error: 'UnauthorizedOperation' },
    };
    bench.desk.power.cut = async (ids) => ({ ok: true, value: new Map(ids.map((id) => [id, { ok: false, error }])) });
    const { code, err } = await bench.run('fail alpha db1 --reason x --yes');
    expect(err).toMatch(/ec2:StopInstances: not authorized .*; next: use credentials that may do this/);
    expect(code).toBe(4);
    expect((await recordsOf(bench, 'fail')).map(({ because }) => because)).toEqual([
      expect.stringContaining('cuts the power of db1'),
      expect.stringContaining('not authorized'),
    ]);
  });
});
