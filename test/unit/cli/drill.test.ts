// drill and doctor: a rehearsal that is refused where a danger is known, measured against what was asked for, and on record; and
// checks that each say what mends them.

import { fail, ok } from '../../../core/result';
import { aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, journalStep, leaseOf, moved, type Script, switches } from './support';

const ready = async (script?: Script): Promise<Bench> => healthy(createBench(script));
const drills = async ({ desk }: Bench) =>
  value(await desk.journal.list('alpha')).filter(({ rule }) => rule === 'drill');

describe('drill', () => {
  it('moves the role there and back, and records the longest gap against what was asked for', async () => {
    const bench = await ready(switches(700));
    const { code, err, out } = await bench.run('drill alpha --rto 1s --reason "first Tuesday"');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(bench.operations.started.map(({ input }) => [input.to, input.reason])).toEqual([
      ['db2', 'drill: first Tuesday'],
      ['db1', 'drill: first Tuesday'],
    ]);
    expect(out).toContain('drill, db1 -> db2, db2 -> db1: no writes for at most 700 ms, 1.0 s were asked for: met');
    expect((await leaseOf(bench)).holder).toBe('db1');
    expect(await drills(bench)).toMatchObject([
      {
        actor: 'operator:ann',
        details: { longestGapMs: 700, objectiveMs: 1000, met: true, operations: expect.any(Array) },
      },
    ]);
  });

  it('ends with 1 when it took longer than was asked for, one document all the same', async () => {
    const slow = await (await ready(switches(1700))).run('drill alpha --rto 1s --json');
    expect(slow.code).toBe(1);
    expect(slow.json()).toMatchObject({ met: false, longestGapMs: 1700, objectiveMs: 1000 });
  });

  it('takes a gap that the journal does not tell for not measured, and then not for met', async () => {
    const untold: Script = async (started, desk) => {
      const from = value(await desk.leases.read('alpha'))?.holder;
      const { to = 'db2' } = started.input;
      if (to === 'db1') return switches(100)(started, desk);
      await moved(desk, to);
      await journalStep(desk, started, 'end', { details: { outcome: 'done' } });
      return { status: 'SUCCEEDED', output: JSON.stringify({ oldMain: from, candidate: to }) };
    };
    const { code, out } = await (await ready(untold)).run('drill alpha --rto 1h');
    expect(out).toMatch(/how long there were no writes was NOT MEASURED, .* were asked for: MISSED/);
    expect(code).toBe(1);
    const asked = await (await ready(untold)).run('drill alpha --json');
    expect(asked.json()).toMatchObject({ longestGapMs: null, objectiveMs: null, met: true });
    expect(asked.code).toBe(0);
  });

  it('stays where it went, when asked to', async () => {
    const bench = await ready(switches(100));
    await bench.run('drill alpha --to db3 --stay');
    expect((await leaseOf(bench)).holder).toBe('db3');
    expect(bench.operations.started).toHaveLength(1);
  });

  it('is refused where something is ill already, and nothing is started', async () => {
    const bench = await ready(switches(100));
    await bench.clock.advance(16_000);
    const { code, err } = await bench.run('drill alpha');
    expect(err).toMatch(/no drill now: nobody could take over: .*; next: mainstay explain alpha/);
    expect(code).toBe(3);
    expect(bench.operations.started).toEqual([]);
  });

  it('stops where a leg fails, with the reason of the step', async () => {
    let legs = 0;
    const bench = await ready(async (started, desk) => {
      legs += 1;
      if (legs === 1) return switches(100)(started, desk);
      return {
        status: 'FAILED',
        error: 'Undo.BarrierTimeout',
        cause: JSON.stringify({ message: 'db1 did not catch up', next: 'see its lag' }),
      };
    });
    const { code, err } = await bench.run('drill alpha');
    expect(err).toContain('db1 did not catch up; next: see its lag');
    expect(code).toBe(1);
    expect(await drills(bench)).toEqual([]);
  });
});

describe('doctor', () => {
  const withVip = async () => {
    const bench = await ready();
    const config = value(await bench.desk.settings.config('alpha'));
    if (config) await bench.clock.until(bench.desk.vip.move(config, null, 'db1', 7));
    return bench;
  };

  it('of a well cluster finds nothing to mend', async () => {
    const bench = await withVip();
    const { code, out } = await bench.run('doctor');
    expect(out).toContain('ok       stack: state machines: all are there and may be read');
    expect(out).toContain('ok       alpha: timings: every clause of the inequality holds (L6)');
    expect(out).toContain('ok       alpha: VIP: at db1, the main');
    expect(code).toBe(0);
  });

  it('says for each finding what mends it, goes on to the next, and ends with 1', async () => {
    const bench = await ready();
    await bench.desk.reports.put(
      aReport('alpha', 'db2', { seq: 9, agentVersion: '0.0.9', at: bench.desk.clock.wall() }),
    );
    const { code, json } = await bench.run('doctor alpha --json');
    const { healthy: well, checks } = json() as {
      healthy: boolean;
      checks: { level: string; next: string; found: string }[];
    };
    expect([code, well]).toEqual([1, false]);
    expect(checks.map(({ found }) => found)).toEqual(
      expect.arrayContaining(['at nobody, and db1 is the main', 'agents of different versions: 0.1.0, 0.0.9']),
    );
    for (const { level, next } of checks) expect(next !== '').toBe(level !== 'ok');
  });

  it('T66: finds a brake that would hold the next failover', async () => {
    const bench = await ready();
    const { brake, clock } = bench.desk;
    value(await brake.configure({ failovers: 2, percent: 0, windowMs: 600_000 }, 9));
    value(await brake.open(null, { id: 'one', endsAtMs: Date.parse(clock.wall()) + 600_000, taken: 2 }));
    const { code, out } = await bench.run('doctor alpha');
    expect(out).toMatch(/danger {3}alpha: cluster: an automatic failover would be refused \(Undo\.Braked\)/);
    expect(code).toBe(1);
  });

  const ringing = async (...alarms: { name: string; description: string }[]) => {
    const bench = await withVip();
    bench.desk.alarms = { ringing: async () => ok(alarms) };
    return bench;
  };

  it('T47: shows notices that could not be delivered, with what that means and where the runbook goes on', async () => {
    const bench = await ringing({
      name: 'mainstay/undelivered',
      description: 'a notice could not be delivered. https://wiki.example.com/runbook#undelivered',
    });
    const { code, out } = await bench.run('doctor');
    expect(out).toContain(
      'danger   stack: alarm undelivered: a notice could not be delivered; next: https://wiki.example.com/runbook#undelivered',
    );
    expect(code).toBe(1);
  });

  it('shows the alarms of the cluster that was asked for, and those of no other', async () => {
    const bench = await ringing(
      { name: 'mainstay/alpha/db3/system-check', description: 'the host is impaired' },
      { name: 'mainstay/beta/no-main', description: 'nobody renews. docs/runbook.md#no-main' },
    );
    const { code, out } = await bench.run('doctor alpha');
    expect(out).toContain(
      'warning  alpha db3: alarm system-check: the host is impaired; next: docs/runbook.md, "Alarms"',
    );
    expect(out).not.toContain('beta');
    expect(code).toBe(0);
  });

  it.each([
    ['undelivered', 'doctor alpha', 'warning', 0],
    ['notices-lost', 'doctor alpha', 'warning', 0],
    ['undelivered', 'doctor', 'danger', 1],
    ['not-ready', 'doctor alpha', 'warning', 0],
    ['not-ready', 'doctor', 'warning', 0],
    ['alpha/no-main', 'doctor alpha', 'danger', 1],
  ])('the alarm %s is to %s a %s: what may be about another cluster condemns none by name', async (...row) => {
    const [alarm, line, level, expected] = row;
    const bench = await ringing({ name: `mainstay/${alarm}`, description: 'it rings' });
    const { code, json } = await bench.run(`${line} --json`);
    expect(json().checks).toContainEqual(expect.objectContaining({ level, found: 'it rings' }));
    expect(code).toBe(expected);
  });

  it('says that alarms cannot be read, and that none rings', async () => {
    const bench = await withVip();
    expect((await bench.run('doctor')).out).toContain('ok       stack: alarms: none rings');
    const next = 'allow the action cloudwatch:DescribeAlarms';
    bench.desk.alarms = { ringing: async () => fail({ code: 'Broken', message: 'AccessDenied', next }) };
    const { code, out } = await bench.run('doctor');
    expect(out).toContain(`warning  stack: alarms: alarms cannot be read: AccessDenied; next: ${next}`);
    expect(code).toBe(0);
  });

  it('of a cluster that does not exist says so', async () => {
    const { code, out } = await (await ready()).run('doctor beta');
    expect(out).toContain("danger   beta: table: there is no cluster 'beta'");
    expect(code).toBe(1);
  });
});
