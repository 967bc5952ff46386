// explain: every finding can be had, each with what to do next; what would happen; why the last failover did or did not.

import { broken } from '../../../adapters/problems';
import { defaultFlapping } from '../../../core/flapping';
import { fail } from '../../../core/result';
import { aConfig, aPolicy, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, journalStep, setLease } from './support';

const change = async ({ desk }: Bench, node: string, to: Partial<ReturnType<typeof aReport>>) => {
  const report = value(await desk.reports.list('alpha')).find((one) => one.node === node);
  await desk.reports.put({ ...(report ?? aReport('alpha', node)), seq: 9, ...to });
};

const braked = async ({ desk }: Bench, taken: number) => {
  value(await desk.brake.configure({ failovers: 2, percent: 0, windowMs: 600_000 }, 9));
  value(await desk.brake.open(null, { id: 'one', endsAtMs: Date.parse(desk.clock.wall()) + 600_000, taken }));
};

/** So often by itself, just now, under the limits that are the default. */
const failedOver = async (bench: Bench, times: number) => {
  const config = value(await bench.desk.settings.config('alpha'));
  value(await bench.desk.settings.putConfig({ ...aConfig('alpha'), ...config, failovers: defaultFlapping }));
  const attempts = Array.from({ length: times }, (_, n) => ({ operation: `f-${n}`, at: bench.clock.wall() }));
  await setLease(bench, { attempts });
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
      'T59: an automatic failover of a moment ago',
      (bench) => failedOver(bench, 1),
      /danger: an automatic failover would be refused \(Undo\.CoolDown\): the last automatic .*next: wait until it is over[\s\S]*refused +an auto/,
      false,
    ],
    [
      'T59: as many automatic failovers as there may be in a day',
      async (bench) => {
        await failedOver(bench, 6);
        await bench.clock.advance(60_000);
        for (const node of ['db1', 'db2', 'db3']) await change(bench, node, { at: bench.clock.wall(), seq: 10 });
      },
      /danger: .*\(Undo\.TooMany\): it has failed over by itself 6 times .*next: mainstay policy alpha --acknowledge --reason/,
      false,
    ],
    [
      'T66: a brake that holds',
      (bench) => braked(bench, 2),
      /danger: an automatic failover would be refused \(Undo\.Braked\): .* 2 clusters have .*next: mainstay brake status[\s\S]*refused +an auto/,
      false,
    ],
    ['a brake with a place left', (bench) => braked(bench, 1), /promoted/, true],
    [
      'a brake that holds others',
      async (bench) => {
        await braked(bench, 2);
        await bench.desk.brake.putPlace('alpha', 'one');
      },
      /promoted/,
      true,
    ],
    [
      'a brake that holds under a policy by which nothing begins by itself',
      async (bench) => {
        await braked(bench, 2);
        await bench.desk.settings.putPolicy('alpha', aPolicy({ mode: 'manual' }));
      },
      /not acted upon/,
      true,
    ],
    [
      'a brake that cannot be read',
      async ({ desk }) => {
        desk.brake.read = async () => fail(broken('the brake is no number', 'deploy the stack'));
      },
      /warning: the fleet's brake could not be read: the brake is no number; next: deploy the stack/,
      true,
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
