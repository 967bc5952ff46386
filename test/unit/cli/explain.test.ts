// explain: every finding can be had, each with what to do next; what would happen; why the last failover did or did not.

import { aPolicy, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, journalStep, setLease } from './support';

const change = async ({ desk }: Bench, node: string, to: Partial<ReturnType<typeof aReport>>) => {
  const report = value(await desk.reports.list('alpha')).find((one) => one.node === node);
  await desk.reports.put({ ...(report ?? aReport('alpha', node)), seq: 9, ...to });
};

describe('explain', () => {
  it('of a healthy cluster says so, who would win, how the old main would be proven stopped, and what is at stake', async () => {
    const { code, out } = await (await healthy(createBench())).run('explain alpha');
    expect(code).toBe(0);
    expect(out).toContain('alpha IS SAFE: if its main died this second, somebody would take over');
    expect(out).toMatch(/noticed {5}after 4\.0 s of silence/);
    expect(out).toMatch(
      /fenced {6}db1 must be proven stopped first: its agent says that it is stopped, or it stopped itself/,
    );
    expect(out).toMatch(/promoted {4}db2: 0 bytes behind the most advanced, priority 2/);
    expect(out).toMatch(/last failover\n {2}none on record/);
  });

  it.each<[string, (bench: Bench) => Promise<unknown>, RegExp, boolean]>([
    [
      'a manual policy',
      ({ desk }) => desk.settings.putPolicy('alpha', aPolicy({ mode: 'manual' })),
      /warning: policy manual \(operator:ann: normal service\): a lost main waits for a person/,
      true,
    ],
    [
      'a maintenance',
      ({ desk }) =>
        desk.settings.putPolicy('alpha', aPolicy({ mode: 'maintenance', until: '2999-01-01T00:00:00.000Z' })),
      /danger: policy maintenance until 2999/,
      false,
    ],
    [
      'nobody who could take over',
      async (bench) => {
        await change(bench, 'db2', { state: 'fenced' });
        await change(bench, 'db3', { state: 'fenced' });
      },
      /danger: nobody could take over: db2: it is fenced, not a backup; db3: it is fenced/,
      false,
    ],
    [
      'backups that have fallen silent',
      ({ clock }) => clock.advance(16_000),
      /danger: nobody could take over: db2: silent; db3: silent/,
      false,
    ],
    [
      'one backup that could not',
      (bench) => change(bench, 'db3', { state: 'fenced' }),
      /warning: db3 could not take over: it is fenced/,
      true,
    ],
    [
      'a hold',
      (bench) => setLease(bench, { hold: { reason: 'db1 lost the main role unexpectedly', epoch: 8 } }),
      /warning: hold since epoch 8: .*next: mainstay hold ls alpha/,
      true,
    ],
    [
      'an operation',
      (bench) => setLease(bench, { operation: { id: 'x-1', kind: 'recover', by: 'bob', since: '' } }),
      /warning: recover x-1 by bob is under way; next: mainstay watch alpha --operation x-1/,
      true,
    ],
    [
      'a main without deadman',
      (bench) => change(bench, 'db1', { deadman: 'absent' }),
      /danger: the deadman of db1 is absent: only power-off/,
      false,
    ],
    [
      'a node without gate',
      (bench) =>
        change(bench, 'db2', { gate: { state: 'absent', intact: false, repairs: 0, problem: 'no CAP_NET_ADMIN' } }),
      /warning: db2 has no gate in its kernel: no CAP_NET_ADMIN/,
      true,
    ],
    [
      'T65: agents of different versions',
      (bench) => change(bench, 'db3', { agentVersion: '0.0.9' }),
      /warning: agents of different versions: 0\.1\.0, 0\.0\.9/,
      true,
    ],
    [
      'a clock that is ahead',
      (bench) => change(bench, 'db3', { at: '2026-01-01T01:00:00.000Z' }),
      /warning: the clock of db3 is ahead/,
      true,
    ],
    [
      'nobody main',
      (bench) => setLease(bench, { phase: 'claimed', holder: null }),
      /danger: nobody is main: the lease is claimed/,
      false,
    ],
    [
      'a paused service',
      (bench) => setLease(bench, { phase: 'paused', pausedBy: 'operator' }),
      /warning: the service is stopped cleanly \(by operator\)/,
      true,
    ],
  ])('finds %s', async (_, happen, expected, safe) => {
    const bench = await healthy(createBench());
    await happen(bench);
    const { out } = await bench.run('explain alpha');
    expect(out).toMatch(expected);
    const told = (await bench.run('explain alpha --json')).json();
    expect(told.safe).toBe(safe);
    for (const { next } of told.findings as { next: string }[]) expect(next).not.toBe('');
  });

  it('tells why the last failover was refused, with the rule', async () => {
    const bench = await healthy(createBench());
    const started = {
      kind: 'failover',
      name: 'alpha-failover-x',
      input: { cluster: 'alpha', by: 'automatic' },
    } as const;
    await bench.clock.until(
      (async () => {
        await journalStep(bench.desk, started, 'verify', {
          ...{ kind: 'refusal', rule: 'Undo.Policy' },
          because: 'policy is manual (ann: upgrade): automatic would have failed over alpha now; next: decide yourself',
        });
        await journalStep(bench.desk, started, 'abort', { because: 'nothing was begun' });
      })(),
    );
    const { out } = await bench.run('explain alpha');
    expect(out).toMatch(/alpha-failover-x of .* ended refused/);
    expect(out).toMatch(
      /Undo\.Policy {2}policy is manual \(ann: upgrade\): automatic would have failed over alpha now/,
    );
  });
});
