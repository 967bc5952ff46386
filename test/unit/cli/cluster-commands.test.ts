// ls, status, history, policy: what an operator reads, as lines and as JSON.

import { aConfig, anEntry, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, setLease } from './support';

const shunned = { shunned: { db1: { label: 'FAILED-OVER-TO-db2', epoch: 8 } } };
const hold = { hold: { reason: 'db1 lost the main role unexpectedly', epoch: 8 } };

async function failedOver(): Promise<Bench> {
  const bench = await healthy(createBench());
  await setLease(bench, { holder: 'db2', former: 'db1', epoch: 8, ...shunned, ...hold });
  const at = bench.desk.clock.wall();
  await bench.desk.reports.put(
    aReport('alpha', 'db2', { state: 'main', rule: 'R100', because: 'I hold the lease and renew it', at }),
  );
  return bench;
}

describe('ls', () => {
  it('shows lease, policy, VIP and what each node last said', async () => {
    const { code, out } = await (await healthy(createBench())).run('ls');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'alpha[AUTOMATIC:HELD:L]  epoch 7  main db1  VIP 203.0.113.10:5432',
      '  NODE  STATE   STORED    APPLIED   LAG      FOLLOWS  DEADMAN   GATE  SEEN  WHY',
      '  db1   MAIN    48.0 MiB  48.0 MiB  0 B      -        armed     -     0 s   R100 I hold the lease and renew it',
      '  db2   BACKUP  48.0 MiB  48.0 MiB  0 B      db1      disarmed  -     0 s   R170 another node holds the lease: I follow it',
      '  db3   BACKUP  48.0 MiB  48.0 MiB  1.6 KiB  db1      disarmed  -     0 s   R170 another node holds the lease: I follow it',
      '',
    ]);
  });

  it('labels a former main that is kept out, and says what to do about the hold', async () => {
    const { out } = await (await failedOver()).run('ls');
    expect(out).toMatch(/db1 {3}SHUNNED\(FAILED-OVER-TO-db2\)/);
    expect(out).toContain('next: mainstay hold ls alpha, then mainstay recover alpha NODE');
  });

  it.each<[string, (bench: Bench) => Promise<unknown>, RegExp]>([
    [
      'a node that is silent for three reports',
      ({ clock }) => clock.advance(16_000),
      /db1 {3}SILENT\(was MAIN\) .* 16 s/,
    ],
    [
      'an engine that is down',
      ({ desk }) =>
        desk.reports.put(
          aReport('alpha', 'db2', {
            at: desk.clock.wall(),
            engine: { ...aReport('a', 'b').engine, running: false, problem: 'no space left' },
          }),
        ),
      /BACKUP\(ENGINE DOWN\) .*\[no space left\]/,
    ],
    [
      'a stream that is broken',
      ({ desk }) =>
        desk.reports.put(aReport('alpha', 'db2', { engine: { ...aReport('a', 'b').engine, streaming: false } })),
      /db1 \(broken\)/,
    ],
    [
      'a node that never reported',
      ({ desk }) =>
        desk.settings.putConfig(
          aConfig('alpha', { nodes: [...aConfig('a').nodes, { ...aConfig('a').nodes[0], name: 'db4' } as never] }),
        ),
      /db4 {3}NEVER SEEN/,
    ],
    [
      'a running operation',
      (bench) => setLease(bench, { operation: { id: 'x-1', kind: 'recover', by: 'bob', since: '2026-01-01' } }),
      /RUNNING recover x-1 by bob since 2026-01-01/,
    ],
    [
      'a paused service',
      (bench) => setLease(bench, { phase: 'paused', pausedBy: 'operator' }),
      /AUTOMATIC:PAUSED BY OPERATOR/,
    ],
  ])('shows %s', async (_, happen, expected) => {
    const bench = await healthy(createBench());
    await happen(bench);
    expect((await bench.run('ls')).out).toMatch(expected);
  });

  it('shows a cluster that nobody has started yet, and how to start it', async () => {
    const bench = createBench();
    await bench.desk.settings.putConfig(aConfig('alpha'));
    const { code, out } = await bench.run('ls');
    expect(code).toBe(0);
    expect(out).toContain('alpha[AUTOMATIC:VACANT:-]  epoch 0  main nobody');
    expect(out).toContain('next: mainstay start alpha');
  });

  it('shows a cluster that cannot be read as such, and the others all the same', async () => {
    const bench = await healthy(createBench());
    bench.store.table.put('FLEET', 'CLUSTER#beta', {});
    bench.store.table.put('CONFIG#beta', 'CONFIG', { name: 'beta' });
    const { code, out, err } = await bench.run('ls');
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toMatch(/alpha\[AUTOMATIC:HELD:L\]/);
    expect(out).toMatch(/beta\[UNREADABLE\] {2}mainstay: configuration of beta does not parse/);
    const { clusters } = (await bench.run('ls --json')).json() as { clusters: object[] };
    expect(clusters[1]).toMatchObject({ cluster: 'beta', error: { code: 'Broken' } });
  });

  it('has the documented shape with --json', async () => {
    const { out } = await (await failedOver()).run('ls --json');
    const { clusters } = JSON.parse(out);
    expect(clusters[0]).toMatchObject({
      cluster: 'alpha',
      policy: { mode: 'automatic', until: null, by: null, reason: null },
      ...{ phase: 'held', epoch: 8, main: 'db2', vip: { host: '203.0.113.10', port: 5432 }, operation: null },
      ...hold,
    });
    expect(clusters[0].nodes[0]).toMatchObject({
      node: 'db1',
      state: 'SHUNNED(FAILED-OVER-TO-db2)',
      candidate: { eligible: false },
    });
  });

  it('says on stderr that nothing is configured, and stays JSON on stdout', async () => {
    const { code, err, json } = await createBench().run('ls --json');
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('no cluster is configured yet') });
    expect(json()).toEqual({ clusters: [] });
  });

  it('has colours only on a terminal and never in JSON', async () => {
    const bench = await healthy(createBench());
    expect((await bench.run('ls')).out).not.toContain('\u001b[');
    expect((await bench.run('ls', { colour: true })).out).toContain('\u001b[');
    expect((await bench.run('ls --json', { colour: true })).out).not.toContain('\u001b[');
  });
});

async function withHistory(): Promise<Bench> {
  const bench = await healthy(createBench());
  const write = (second: number, change: object) =>
    bench.desk.journal.append(anEntry('alpha', { at: `2026-01-01T00:00:0${second}.000Z`, ms: 40, ...change }));
  await write(1, { operation: null, actor: 'operator:ann', kind: 'operation', rule: 'seat', because: 'db1 is seated' });
  await write(2, { operation: 'alpha-switchover-1', actor: 'step:preflight' });
  await write(3, { operation: null, actor: 'agent:db3', kind: 'decision', rule: 'R170', because: 'I follow db1' });
  await write(4, {
    operation: 'alpha-switchover-1',
    actor: 'step:end',
    details: { outcome: 'done' },
    because: 'done: db2',
  });
  return bench;
}

describe('history', () => {
  it('keeps an operation together and the rest in order', async () => {
    const { code, out } = await (await withHistory()).run('history alpha');
    expect(code).toBe(0);
    expect(out.split('\n').filter((line) => !line.startsWith('  '))).toEqual([
      '2026-01-01  outside of operations',
      '',
      '2026-01-01  alpha-switchover-1  switchover  DONE in 2.0 s',
      '',
      '2026-01-01  outside of operations',
      '',
    ]);
    expect(out).toMatch(/00:00:02.000 {2}Check that a switchover may begin .*\(40 ms\)/);
    expect(out).toMatch(/agent:db3 .*I follow db1/);
  });

  it('narrows to one operation, and says when there is none of that name', async () => {
    const bench = await withHistory();
    expect((await bench.run('history alpha --operation alpha-switchover-1')).out).not.toContain('agent:db3');
    expect(await bench.run('history alpha --operation nonesuch')).toMatchObject({
      code: 2,
      err: expect.stringContaining("'nonesuch'"),
    });
  });

  it('has the documented shape with --json, and keeps to the limit', async () => {
    const { out } = await (await withHistory()).run('history alpha --limit 1 --json');
    const { cluster, groups } = JSON.parse(out);
    expect({ cluster, count: groups.length }).toEqual({ cluster: 'alpha', count: 1 });
    expect(groups[0]).toMatchObject({
      operation: 'alpha-switchover-1',
      outcome: { ended: 'done' },
      entries: [{ actor: 'step:end' }],
    });
  });

  it('of a new cluster is empty, of an unknown one refused', async () => {
    const bench = await healthy(createBench());
    expect((await bench.run('history alpha')).out).toBe('nothing has happened to alpha yet\n');
    expect(await bench.run('history beta')).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is no cluster 'beta'"),
    });
  });
});

describe('status', () => {
  it('adds candidates and the outcome of the last operation to the block of ls', async () => {
    const { code, out } = await (await withHistory()).run('status alpha');
    expect(code).toBe(0);
    expect(out).toContain('alpha[AUTOMATIC:HELD:L]');
    expect(out).toMatch(/db1 {2}may not become main {2}it is the main/);
    expect(out).toContain('alpha-switchover-1 (switchover) done in 2.0 s, begun 2026-01-01T00:00:02.000Z');
  });

  it('with --json has the last operation, or null', async () => {
    expect((await (await withHistory()).run('status alpha --json')).json()).toMatchObject({
      lastOperation: { ended: 'done' },
    });
    expect((await (await healthy(createBench())).run('status alpha --json')).json()).toMatchObject({
      lastOperation: null,
    });
  });
});

describe('policy', () => {
  it('shows that nobody has set it', async () => {
    expect((await (await healthy(createBench())).run('policy alpha')).out).toBe(
      'alpha: automatic (nobody has set it)\n',
    );
  });

  it('is set with reason, person and end, and journaled', async () => {
    const bench = await healthy(createBench());
    const { code, json } = await bench.run(
      'policy alpha maintenance --for 1h30m --reason "storage upgrade" --by bob --json',
    );
    const expected = { mode: 'maintenance', until: '2026-01-01T01:30:00.000Z', by: 'bob', reason: 'storage upgrade' };
    expect({ code, ...json() }).toEqual({ code: 0, cluster: 'alpha', ...expected, barred: {}, attempts: [] });
    expect(value(await bench.desk.settings.policy('alpha'))).toMatchObject(expected);
    expect(value(await bench.desk.journal.list('alpha'))).toMatchObject([
      {
        ...{ actor: 'operator:bob', rule: 'policy', epoch: 7, operation: null },
        because: 'policy automatic -> maintenance until 2026-01-01T01:30:00.000Z: storage upgrade',
      },
    ]);
  });

  it('shows a maintenance that is over as automatic again', async () => {
    const bench = await healthy(createBench());
    await bench.run('policy alpha maintenance --for 30m --reason "storage upgrade"');
    await bench.clock.advance(31 * 60_000);
    expect((await bench.run('policy alpha')).out).toMatch(/alpha: automatic, .*maintenance ended 2026-01-01T00:30/);
  });

  it('of an unknown cluster is refused and nothing is written', async () => {
    const bench = await healthy(createBench());
    expect(await bench.run('policy beta manual --reason x')).toMatchObject({ code: 2 });
    for (const pk of ['CLUSTER#beta', 'CONFIG#beta']) expect(bench.store.table.list(pk, '')).toEqual([]);
  });
});
