// report and watch: the account of an operation, from the journal alone.

import { createBench, healthy, journalStep, type Script, type Started } from './support';

const started = (name: string): Started => ({
  kind: 'failover',
  name,
  input: { cluster: 'alpha', by: 'automatic' },
});

const evaluations = [
  {
    node: 'db1',
    eligible: false,
    because: 'it is shunned (FAILED-OVER)',
    receivedBytes: 900,
    appliedBytes: 900,
    lagBytes: 0,
  },
  { node: 'db2', eligible: true, because: '100 bytes | behind', receivedBytes: 800, appliedBytes: 800, lagBytes: 100 },
];

const fails: Script = async () => ({ status: 'RUNNING' });

async function failedOver() {
  const bench = await healthy(createBench(fails));
  const { desk } = bench;
  const operation = started('alpha-failover-e7-r30-0');
  await bench.clock.until(
    (async () => {
      await desk.clock.sleep(9_950);
      await journalStep(desk, operation, 'verify', { details: { watched: { silentMs: 4040 } } });
      await journalStep(desk, operation, 'claim', {
        epoch: 8,
        details: { by: 'automatic', reason: 'Lease Expired', oldMain: 'db1' },
      });
      await journalStep(desk, operation, 'fence', {
        epoch: 8,
        because: 'PROVEN by self-fence: db1 had its deadman and its gate armed',
        details: { how: 'self-fence' },
      });
      const loss = { beyondBytes: 800, atLeastBytes: 100, sampledAt: '2026-01-01T00:00:03.000Z' };
      await journalStep(desk, operation, 'choose-after-fence', {
        epoch: 8,
        details: { evaluations, candidate: 'db2', loss },
      });
      await journalStep(desk, operation, 'promote', { epoch: 8, ms: 200 });
      await journalStep(desk, operation, 'move-vip', { epoch: 8, ms: 100 });
      await journalStep(desk, operation, 'confirm', { epoch: 8, ms: 100 });
      await journalStep(desk, operation, 'end', { epoch: 8, details: { outcome: 'done' } });
    })(),
  );
  return bench;
}

describe('report', () => {
  it('says who asked, how long nobody could write, what was lost, how the old main was stopped, and why this node', async () => {
    const { code, out } = await (await failedOver()).run('report alpha');
    expect(code).toBe(0);
    expect(out).toContain('# failover of alpha: db1 -> db2 (done)');
    expect(out).toContain('| asked for by | automatic: Lease Expired |');
    expect(out).toContain(
      '| no writes for | at most 4.5 s, 00:00:05.910 to 00:00:10.450; a write through the VIP had been seen at 00:00:10.550 |',
    );
    expect(out).toContain(
      '| lost | at least 100 B by its report of 00:00:03.000, and whatever db1 acknowledged after that |',
    );
    expect(out).toContain('| old main stopped | PROVEN by self-fence: db1 had its deadman and its gate armed |');
    expect(out).toContain('| db2 | chosen | 800 | 100 B | 100 bytes \\| behind |');
    expect(out).toContain('| Fence the old main until proven | fence | 50 ms |');
  });

  it('counts the gap from the last that was heard of the main to both promoted and reachable', async () => {
    const { writeGap } = (await (await failedOver()).run('report alpha --json')).json() as { writeGap: object };
    expect(writeGap).toEqual({
      from: '2026-01-01T00:00:05.910Z',
      until: '2026-01-01T00:00:10.450Z',
      ms: 4540,
      bound: 'at most',
      confirmed: '2026-01-01T00:00:10.550Z',
    });
  });

  it('of a cluster without operations, or of an unknown one, ends with 2', async () => {
    const bench = await healthy(createBench());
    expect(await bench.run('report alpha')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has had no operation yet'),
    });
    expect(await bench.run('report alpha --operation x')).toMatchObject({
      code: 2,
      err: expect.stringContaining("no entry of alpha belongs to 'x'"),
    });
  });
});

describe('watch', () => {
  it('tells what is journalled from now on, once each, until it is interrupted; as lines of JSON when asked', async () => {
    const bench = await failedOver();
    const again = started('alpha-failover-again');
    for (const json of [false, true]) {
      let looks = 0;
      const interrupted = () => {
        looks++;
        if (looks === 2) void journalStep(bench.desk, again, 'verify', { because: `look ${json}` });
        return looks > 6;
      };
      const { code, out } = await bench.run(`watch alpha${json ? ' --json' : ''}`, { interrupted });
      expect(code).toBe(0);
      const told = out.trim().split('\n');
      expect(told).toHaveLength(1);
      expect(told[0]).toContain(`look ${json}`);
      if (json) expect(JSON.parse(told[0] ?? '')).toMatchObject({ rule: 'verify', operation: 'alpha-failover-again' });
    }
  });
});
