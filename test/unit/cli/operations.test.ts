// switch, failover, recover: what is refused before anything starts, what is told while it runs, how it ends.

import type { Execution } from '../../../desk/operations';
import { aReport } from '../../support/samples';
import { type Bench, createBench, failed, healthy, journalStep, type Script, setLease } from './support';

const evaluations = [
  { node: 'db1', eligible: false, because: 'it is the main', receivedBytes: 800, appliedBytes: 800, lagBytes: 0 },
  { node: 'db2', eligible: true, because: '0 bytes behind', receivedBytes: 800, appliedBytes: 790, lagBytes: 0 },
];

const succeeds: Script = async (started, desk) => {
  await journalStep(desk, started, 'preflight');
  await journalStep(desk, started, 'begin-switchover');
  await journalStep(desk, started, 'choose-for-switchover', { details: { evaluations, candidate: 'db2' } });
  await journalStep(desk, started, 'drain', { ms: 300, because: 'db1 is stopped cleanly at 800' });
  await journalStep(desk, started, 'transfer', { epoch: 8 });
  await journalStep(desk, started, 'end', { epoch: 8, details: { outcome: 'done' }, because: 'done: db2 is main' });
  const output = { cluster: 'alpha', epoch: 8, epochBefore: 7, oldMain: 'db1', candidate: 'db2', degraded: [] };
  return { status: 'SUCCEEDED', output: JSON.stringify(output) };
};

const undone: Script = async (started, desk) => {
  await journalStep(desk, started, 'begin-switchover');
  await journalStep(desk, started, 'barrier', {
    kind: 'refusal',
    rule: 'Undo.BarrierTimeout',
    because: 'db2 did not reach 800 in time; next: see its lag',
  });
  await journalStep(desk, started, 'abort', { because: 'undone: db1 holds the lease, same epoch 7' });
  return failed('Undo', 'BarrierTimeout', 'db2 did not reach 800 in time', 'see its lag');
};

const leaseOf = async ({ desk }: Bench) => {
  const read = await desk.leases.read('alpha');
  return read.ok ? read.value : null;
};

const withOperation = async (bench: Bench, status: Execution['status']) => {
  const lease = await leaseOf(bench);
  const operation = { id: 'alpha-failover-x', kind: 'failover' as const, by: 'bob', since: '2026-01-01T00:00:00.000Z' };
  if (lease) await bench.desk.leases.swap(lease, { ...lease, operation, version: lease.version + 1 });
  bench.operations.executions.set(operation.id, { status });
};

const refused = async (bench: Bench, line: string) => {
  const before = await leaseOf(bench);
  const ran = await bench.run(line);
  expect(await leaseOf(bench)).toEqual(before);
  expect(bench.operations.started).toEqual([]);
  const journal = await bench.desk.journal.list('alpha');
  expect(journal).toEqual({ ok: true, value: [] });
  return ran;
};

describe('switch', () => {
  it('starts one execution with a name of its own and the least input', async () => {
    const bench = await healthy(createBench(succeeds));
    await bench.run('switch alpha');
    expect(bench.operations.started).toEqual([
      {
        kind: 'switchover',
        name: expect.stringMatching(/^alpha-switchover-\w+$/),
        input: { cluster: 'alpha', by: 'ann' },
      },
    ]);
  });

  it('hands on the candidate, the person and the reason', async () => {
    const bench = await healthy(createBench(succeeds));
    await bench.run('switch alpha --to db2 --by bob --reason "kernel update"');
    expect(bench.operations.started[0]?.input).toEqual({
      cluster: 'alpha',
      to: 'db2',
      by: 'bob',
      reason: 'kernel update',
    });
  });

  it('tells every step once, the candidates with their positions, and the success with epochs and time', async () => {
    const { code, out, err } = await (await healthy(createBench(succeeds))).run('switch alpha');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      '00:00:00.050  Check that a switchover may begin        preflight is done (50 ms)',
      '00:00:00.100  Begin the operation                      begin-switchover is done (50 ms)',
      '00:00:00.150  Choose the candidate                     2 nodes evaluated (50 ms)',
      '              EVALUATING db1(stored=800, applied=800, lag=0): it is the main',
      '              EVALUATING db2(stored=800, applied=790, lag=0): 0 bytes behind',
      '              SELECTED db2@alpha',
      '00:00:00.450  Drain the main                           db1 is stopped cleanly at 800 (300 ms)',
      '00:00:00.500  Transfer the lease                       transfer is done (50 ms)',
      '00:00:00.550  End the operation                        done: db2 is main (50 ms)',
      "SWITCHOVER TO 'db2' WAS SUCCESSFUL (epoch 7 -> 8, 600 ms)",
      '',
    ]);
  });

  it('with --json writes one document and nothing else', async () => {
    const { code, err, json } = await (await healthy(createBench(succeeds))).run('switch alpha --json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(json()).toMatchObject({
      ...{ cluster: 'alpha', kind: 'switchover', ended: 'done', from: 'db1', to: 'db2', epochBefore: 7, epochAfter: 8 },
      ...{ ms: 600, degraded: [] },
    });
    expect(json().steps).toContainEqual({
      name: 'Drain the main',
      step: 'drain',
      ms: 300,
      because: 'db1 is stopped cleanly at 800',
    });
  });

  it('that was undone ends with 1, says that nothing moved, and gives the reason of the step', async () => {
    const { code, out, err } = await (await healthy(createBench(undone))).run('switch alpha');
    expect(code).toBe(1);
    expect(out).toContain('Undo.BarrierTimeout: db2 did not reach 800 in time');
    expect(out).toContain("SWITCHOVER OF 'alpha' FAILED AND WAS UNDONE: same main, same epoch 7");
    expect(err).toBe('mainstay: db2 did not reach 800 in time; next: see its lag\n');
  });

  it('that was undone is with --json an error that names the operation', async () => {
    const { code, json } = await (await healthy(createBench(undone))).run('switch alpha --json');
    expect(code).toBe(1);
    const operation = expect.stringMatching(/^alpha-switchover-/);
    expect(json()).toEqual({
      error: { code: 'BarrierTimeout', message: 'db2 did not reach 800 in time', next: 'see its lag', operation },
    });
  });

  it.each([
    ['Undo', 'AlreadyMain', 3],
    ['Undo', 'Busy', 3],
    ['Undo', 'NotEligible', 3],
    ['Undo', 'UnknownNode', 2],
    ['Undo', 'BadInput', 2],
    ['Undo', 'DrainTimeout', 1],
    ['Retry', 'Unreachable', 1],
    ['Halt', 'PromoteFailed', 1],
  ])('whose execution failed with %s.%s ends with %3$s', async (family, code, expected) => {
    const bench = await healthy(createBench(async () => failed(family, code, 'it said no', 'do this')));
    const ran = await bench.run('switch alpha');
    expect(ran.err).toBe('mainstay: it said no; next: do this\n');
    expect(ran.code).toBe(expected);
  });

  it.each<[string, Execution, RegExp]>([
    ['was aborted by hand', { status: 'ABORTED' }, /ended as ABORTED; next: see: mainstay status/],
    ['ran out of time', { status: 'FAILED', error: 'States.Timeout', cause: '' }, /ended as FAILED: States.Timeout/],
    ['failed without JSON', { status: 'FAILED', error: 'Lambda.Unknown', cause: 'out of memory' }, /out of memory/],
  ])('whose execution %s ends with 1 and a sentence', async (_, execution, sentence) => {
    const bench = await healthy(createBench(async () => execution));
    const { code, err } = await bench.run('switch alpha');
    expect(err).toMatch(sentence);
    expect(code).toBe(1);
  });

  it('whose cause was lost takes code, reason and next step from the journal', async () => {
    const bench = await healthy(
      createBench(async (started, desk) => {
        const retried = { kind: 'refusal' as const, rule: 'Retry.NotYet', because: 'not yet; next: it is tried again' };
        const refusal = { kind: 'refusal' as const, rule: 'Undo.NotEligible', because: 'db2 lags; next: mend it' };
        await journalStep(desk, started, 'choose-for-switchover', refusal);
        await journalStep(desk, started, 'abort', retried);
        return { status: 'FAILED', error: 'States.Fail' };
      }),
    );
    expect(await bench.run('switch alpha')).toMatchObject({ code: 3, err: 'mainstay: db2 lags; next: mend it\n' });
  });

  it('with --no-wait prints the name of the execution and returns at once', async () => {
    const bench = await healthy(createBench());
    const { code, out } = await bench.run('switch alpha --no-wait');
    expect({ code, out }).toEqual({ code: 0, out: `${bench.operations.started[0]?.name}\n` });
    expect((await bench.run('switch alpha --no-wait --json')).json()).toMatchObject({
      kind: 'switchover',
      ended: 'running',
    });
  });

  it('that takes longer than --timeout ends with 8 and says how to follow it', async () => {
    const bench = await healthy(createBench());
    const { code, err } = await bench.run('switch alpha --timeout 2');
    const name = bench.operations.started[0]?.name;
    expect(code).toBe(8);
    expect(err).toContain(`next: follow it: mainstay history alpha --operation ${name}`);
    expect(bench.clock.nowMs()).toBe(2000);
  });

  it('is not stopped by Ctrl-C, only no longer watched', async () => {
    const bench = await healthy(createBench());
    expect(await bench.run('switch alpha', { interrupted: () => true })).toMatchObject({
      code: 8,
      err: expect.stringContaining('goes on without being watched'),
    });
  });
});

describe('a refusal before anything starts', () => {
  it.each([
    ['switch beta', 2, /there is no cluster 'beta' \(known: alpha\); next: check the name with: mainstay ls/],
    ['switch alpha --to db9', 2, /there is no node 'db9' in alpha \(nodes: db1, db2, db3\)/],
    ['switch alpha --to db1', 3, /db1 is already the main of alpha/],
    ['failover beta', 2, /there is no cluster 'beta'/],
    ['failover alpha --to db9', 2, /there is no node 'db9'/],
    ['failover alpha --to db1', 3, /db1 is the main that would be failed over/],
    ['recover alpha db9', 2, /there is no node 'db9'/],
    ['recover alpha db2', 3, /db2 is a healthy backup; next: nothing to recover/],
    ['recover alpha db1', 3, /db1 is the main/],
  ])('%s', async (line, code, sentence) => {
    const bench = await healthy(createBench());
    // A backup is well when one report follows another.
    const report = aReport('alpha', 'db2', { seq: 2, seen: { epoch: 7, version: 40 }, at: bench.clock.wall() });
    void bench.clock.sleep(3000).then(() => bench.desk.reports.put(report));
    const ran = await refused(bench, line);
    expect(ran.err).toMatch(sentence);
    expect(ran.code).toBe(code);
  });

  it.each(['switch alpha', 'failover alpha', 'recover alpha db2'])(
    '%s while another operation runs says which, by whom, and since when',
    async (line) => {
      const bench = await healthy(createBench());
      await withOperation(bench, 'RUNNING');
      const { desk } = bench;
      await desk.reports.put(
        aReport('alpha', 'db2', { state: 'shunned', engine: { ...aReport('a', 'b').engine, streaming: false } }),
      );
      const ran = await refused(bench, line);
      expect(ran.err).toMatch(/failover alpha-failover-x by bob is running since 2026-01-01T00:00:00.000Z/);
      expect(ran.code).toBe(3);
    },
  );

  it('is not made because of an operation whose execution has ended', async () => {
    const bench = await healthy(createBench(succeeds));
    await withOperation(bench, 'ABORTED');
    expect(await bench.run('switch alpha')).toMatchObject({ code: 0 });
  });

  it('names every lagging or broken candidate', async () => {
    const bench = await healthy(createBench());
    const broken = { ...aReport('a', 'b').engine, streaming: false };
    for (const node of ['db2', 'db3']) await bench.desk.reports.put(aReport('alpha', node, { engine: broken }));
    const ran = await refused(bench, 'switch alpha');
    expect(ran.err).toMatch(/no backup of alpha can become main: .*db2: its stream from the main is broken; db3: its/);
    expect(ran.code).toBe(3);
  });

  it('tells how to seat a first main when nobody ever was', async () => {
    const bench = createBench();
    await healthy(bench);
    bench.store.table.put('CLUSTER#alpha', 'LEASE', { ...(await leaseOf(bench)), phase: 'vacant', holder: null });
    for (const line of ['switch alpha', 'failover alpha', 'recover alpha db2', 'pause alpha', 'resume alpha']) {
      const ran = await refused(bench, line);
      expect(ran).toMatchObject({
        code: 3,
        err: expect.stringMatching(/has never had a main; next: .*mainstay start alpha/),
      });
    }
  });
});

describe('switch --dry-run', () => {
  it('evaluates the candidates, names the best, and starts nothing', async () => {
    const bench = await healthy(createBench());
    const { code, out } = await bench.run('switch alpha --dry-run');
    expect(code).toBe(0);
    expect(out).toContain('EVALUATING db1(stored=50331648, applied=50331648, lag=0): it is the main');
    expect(out).toContain('EVALUATING db3(stored=50330000, applied=50331648, lag=1648)');
    expect(out).toContain("A SWITCHOVER WOULD GO TO 'db2' (now 'db1', epoch 7)");
    expect(bench.operations.started).toEqual([]);
  });

  it('goes to the named one, and says so with --json', async () => {
    const { json } = await (await healthy(createBench())).run('switch alpha --to db3 --dry-run --json');
    expect(json()).toMatchObject({ cluster: 'alpha', dryRun: true, candidate: 'db3', epoch: 7 });
    expect(json().evaluations).toHaveLength(3);
  });

  it('shows the evaluation also when the answer is no', async () => {
    const bench = await healthy(createBench());
    await bench.desk.reports.put(aReport('alpha', 'db2', { state: 'fenced' }));
    const { code, out, err } = await bench.run('switch alpha --to db2 --dry-run');
    expect(out).toContain('EVALUATING db2');
    expect(err).toContain('db2 cannot become main: it is fenced, not a backup');
    expect(code).toBe(3);
  });
});

describe('failover', () => {
  const failsOver: Script = async (started, desk) => {
    await journalStep(desk, started, 'verify');
    await journalStep(desk, started, 'claim', { epoch: 8 });
    await journalStep(desk, started, 'end', { epoch: 8, details: { outcome: 'degraded' } });
    const output = { epoch: 8, epochBefore: 7, oldMain: 'db1', candidate: 'db2', degraded: ['db3'] };
    return { status: 'SUCCEEDED', output: JSON.stringify(output) };
  };

  it('starts with force only when it was asked for', async () => {
    const bench = await healthy(createBench(failsOver));
    await bench.run('failover alpha');
    await bench.run('failover alpha --force --to db2 --reason "db1 writes garbage"');
    expect(bench.operations.started.map(({ kind, input }) => ({ kind, ...input }))).toEqual([
      { kind: 'failover', cluster: 'alpha', by: 'ann' },
      { kind: 'failover', cluster: 'alpha', to: 'db2', force: true, by: 'ann', reason: 'db1 writes garbage' },
    ]);
  });

  it('says who did not follow, and how the old main comes back', async () => {
    const { code, out } = await (await healthy(createBench(failsOver))).run('failover alpha');
    expect(code).toBe(0);
    expect(out).toContain("FAILOVER TO 'db2' WAS SUCCESSFUL (epoch 7 -> 8, 200 ms), BUT NOT FOR: db3");
    expect(out).toContain("'db1' IS SHUNNED(FAILED-OVER-TO-db2); next: mainstay recover alpha db1");
  });

  it('of a healthy main is refused by the execution: 3, and nothing was changed', async () => {
    const message = 'db1 is healthy and renews the lease';
    const bench = await healthy(
      createBench(async (started, desk) => {
        await journalStep(desk, started, 'verify', { kind: 'refusal', rule: 'Undo.Healthy', because: message });
        await journalStep(desk, started, 'abort', { because: 'nothing was changed' });
        return failed('Undo', 'Healthy', message, 'use switch, or failover --force if you must');
      }),
    );
    const { code, out, err } = await bench.run('failover alpha');
    expect(out).toContain("FAILOVER OF 'alpha' WAS REFUSED: nothing was changed");
    expect(err).toContain(`${message}; next: use switch, or failover --force if you must`);
    expect(code).toBe(3);
  });

  it('that needs a person says so', async () => {
    const bench = await healthy(
      createBench(async (started, desk) => {
        await journalStep(desk, started, 'claim', { epoch: 8 });
        await journalStep(desk, started, 'page', { epoch: 8 });
        return failed('Halt', 'Unproven', 'db1 could not be proven stopped', 'stop it yourself');
      }),
    );
    const { code, out } = await bench.run('failover alpha');
    expect(out).toContain("FAILOVER OF 'alpha' FAILED AND NEEDS A PERSON");
    expect(code).toBe(1);
  });
});

describe('failback', () => {
  const toward = async (prefer: string, mode: 'manual' | 'never' = 'manual', script = succeeds): Promise<Bench> => {
    const bench = await healthy(createBench(script));
    const read = await bench.desk.settings.config('alpha');
    if (read.ok && read.value)
      await bench.desk.settings.putConfig({ ...read.value, failback: { prefer, mode, quietHours: null } });
    return bench;
  };

  it('gives the role to the preferred node', async () => {
    const bench = await toward('db2');
    const { code, out } = await bench.run('failback alpha --reason "a new disk"');
    expect(bench.operations.started).toMatchObject([
      { kind: 'failback', input: { cluster: 'alpha', by: 'ann', reason: 'a new disk' } },
    ]);
    expect(out).toContain("FAILBACK TO 'db2' WAS SUCCESSFUL");
    expect(code).toBe(0);
  });

  it.each([
    ['it is the main already', () => toward('db1'), /db1 is the main already; next: nothing to do/],
    ['it is not allowed', () => toward('db2', 'never'), /set to 'never'; next: .* mainstay switch alpha --to db2/],
    ['nobody is preferred', () => healthy(createBench()), /alpha has no preferred node; next: name one/],
  ])('is refused when %s', async (_, given, sentence) => {
    const ran = await refused(await given(), 'failback alpha');
    expect(ran.err).toMatch(sentence);
    expect(ran.code).toBe(3);
  });

  it.each(['failback alpha', 'switch alpha', 'failover alpha --force', 'recover alpha db1'])(
    '%s that takes longer than somebody waits goes on, and the command ends with 8',
    async (line) => {
      const bench = await toward('db2', 'manual', () => new Promise(() => undefined));
      if (line.startsWith('recover'))
        await setLease(bench, { holder: 'db2', epoch: 8, shunned: { db1: { label: 'x', epoch: 8 } } });
      const { code, err } = await bench.run(`${line} --timeout 2`);
      expect(err).toMatch(
        /goes on without being watched; next: follow it: mainstay history alpha --operation alpha-\w+-/,
      );
      expect(code).toBe(8);
    },
  );
});

describe('recover', () => {
  it('of a shunned node tells how it came back', async () => {
    const bench = await healthy(
      createBench(async (started, desk) => {
        await journalStep(desk, started, 'check-recover');
        await journalStep(desk, started, 'rejoin', { details: { method: 'rewind', evidence: '/var/evidence' } });
        await journalStep(desk, started, 'end', { details: { outcome: 'done' } });
        return { status: 'SUCCEEDED', output: JSON.stringify({ node: 'db3', epoch: 7, epochBefore: 7 }) };
      }),
    );
    const engine = { ...aReport('a', 'b').engine, streaming: false, running: false };
    await bench.desk.reports.put(aReport('alpha', 'db3', { state: 'shunned', engine }));
    const { code, out } = await bench.run('recover alpha db3 --reason "its disk is replaced"');
    expect(bench.operations.started[0]).toMatchObject({
      kind: 'recover',
      input: { cluster: 'alpha', node: 'db3', by: 'ann', reason: 'its disk is replaced' },
    });
    expect(out).toContain("RECOVERY OF 'db3@alpha' WAS SUCCESSFUL (epoch 7, by rewind, 200 ms)");
    expect(code).toBe(0);
  });
});

describe('switch, when the backup has begun to follow this main a moment ago', () => {
  /** The main's timeline is on the lease, and db2 streams from it, but has not said that it has come to it. */
  async function begun(): Promise<Bench> {
    const bench = await healthy(createBench());
    await setLease(bench, { lineage: [{ timeline: 2, fromBytes: 0, epoch: 7 }] });
    const { engine } = aReport('alpha', 'db2');
    await bench.desk.reports.put(aReport('alpha', 'db2', { seq: 2, followed: 7, engine, at: bench.desk.clock.wall() }));
    return bench;
  }
  const says = async ({ desk }: Bench) => {
    const { engine } = aReport('alpha', 'db2');
    const position = { timeline: 2, bytes: 50_331_648 };
    const come = { ...engine, received: position, applied: position, forkedAt: { timeline: 2, bytes: 0 } };
    await desk.reports.put(aReport('alpha', 'db2', { seq: 3, followed: 7, engine: come, at: desk.clock.wall() }));
  };

  it.each(['switch alpha --to db2 --no-wait', 'switch alpha --no-wait'])(
    '%s waits for its next report',
    async (line) => {
      const bench = await begun();
      void bench.desk.clock.sleep(900).then(() => says(bench));
      const { code, err } = await bench.run(line);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(bench.operations.started).toHaveLength(1);
    },
  );

  it('is told to ask again when that does not come, and nothing is started', async () => {
    const bench = await begun();
    const { code, err } = await bench.run('switch alpha --to db2');
    expect(code).toBe(3);
    expect(err).toContain('it has begun to follow this main a moment ago');
    expect(bench.operations.started).toEqual([]);
  });
});
