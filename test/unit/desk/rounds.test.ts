// The control plane's rounds: what is not ready, maintenances that nobody ended, and drills that are due. The real steps over memory
// adapters; Step Functions is scripted.

import { createMemoryEvents } from '../../../adapters/memory/messages';
import type { DrillConfig } from '../../../core/drill';
import type { ClusterConfig, Policy } from '../../../core/model';
import { makeRounds, type Rounds } from '../../../desk/rounds';
import { aPolicy, value } from '../../support/samples';
import {
  type Bench,
  createBench,
  failed,
  healthy,
  journalStep,
  leaseOf,
  moved,
  type Script,
  setLease,
  switches,
  unanswered,
} from '../cli/support';

const minuteMs = 60_000;

async function world(script?: Script, change: Partial<ClusterConfig> = {}) {
  const bench = await healthy(createBench(script));
  const { desk, clock } = bench;
  const config = { ...(value(await desk.settings.config('alpha')) as ClusterConfig), ...change };
  value(await desk.settings.putConfig(config));
  const events = createMemoryEvents();
  let before: Rounds | null = null;
  const round = async () => {
    before = await clock.until(makeRounds(desk, events, before));
    return before;
  };
  const told = () => events.published.map(({ detail }) => String(detail.because));
  const onRecord = async () => value(await desk.journal.list('alpha')).filter(({ rule }) => rule === 'drill');
  /** The agents go on reporting. */
  const later = async (ms: number) => {
    await clock.advance(ms);
    for (const report of value(await desk.reports.list('alpha')))
      await desk.reports.put({ ...report, seq: report.seq + 1, at: clock.wall() });
  };
  return { bench, desk, clock, events, round, told, onRecord, later };
}

const setPolicy = async ({ desk }: Bench, change: Partial<Policy>) =>
  value(await desk.settings.swapPolicy('alpha', value(await desk.settings.policy('alpha')), aPolicy(change)));

describe('readiness', () => {
  it('finds nothing where a failover would work', async () => {
    const { round } = await world();
    expect(await round()).toEqual({ notReady: {}, done: [], problems: [] });
  });

  it('says why nobody could take over', async () => {
    const { desk, round } = await world();
    const bar = { by: 'ann', reason: 'x', at: desk.clock.wall() };
    await setLease({ desk }, { barred: { db2: bar, db3: bar } });
    const { notReady } = await round();
    expect(notReady.alpha?.why.join()).toMatch(/nobody could take over: .*db2: ann has barred it/);
  });

  it('says that everybody has fallen silent, though what they said last would do', async () => {
    const { clock, round } = await world();
    await clock.advance(minuteMs);
    expect((await round()).notReady.alpha?.why.join()).toMatch(/nobody could take over: .*silent/);
  });

  it('does not count what a person holds back on purpose, nor an operation that is under way', async () => {
    const { bench, desk, round } = await world();
    await setPolicy(bench, { mode: 'manual' });
    expect((await round()).notReady).toEqual({});
    const operation = { id: 'alpha-switchover-1', kind: 'switchover' as const, by: 'ann', since: desk.clock.wall() };
    await setLease({ desk }, { operation });
    bench.operations.executions.set('alpha-switchover-1', { status: 'RUNNING' });
    expect((await round()).notReady).toEqual({});
  });

  it('leaves a cluster alone that never had a main, and is stopped by none that cannot be read', async () => {
    const { desk, clock, round } = await world();
    await desk.settings.putConfig({ ...(value(await desk.settings.config('alpha')) as ClusterConfig), name: 'beta' });
    expect(await round()).toEqual({ notReady: {}, done: [], problems: [] });
    const { config } = unanswered('TimeoutError');
    const settings = {
      ...desk.settings,
      config: (name: string) => (name === 'beta' ? config() : desk.settings.config(name)),
    };
    const bar = { by: 'ann', reason: 'x', at: desk.clock.wall() };
    await setLease({ desk }, { barred: { db2: bar, db3: bar } });
    const { problems, notReady } = await clock.until(
      makeRounds({ ...desk, settings } as never, createMemoryEvents(), null),
    );
    expect(problems.join()).toMatch(/beta: dynamodb:Query: TimeoutError/);
    expect(Object.keys(notReady)).toEqual(['alpha']);
    const odd = {
      ...settings,
      config: (name: string) => (name === 'beta' ? Promise.reject(new Error('odd')) : desk.settings.config(name)),
    };
    const again = await clock.until(makeRounds({ ...desk, settings: odd } as never, createMemoryEvents(), null));
    expect([again.problems.join(), Object.keys(again.notReady)]).toEqual([
      expect.stringContaining('beta: odd'),
      ['alpha'],
    ]);
  });

  it('tells people of each cluster once, when it has lasted for three rounds', async () => {
    const { desk, round, told } = await world();
    const bar = { by: 'ann', reason: 'x', at: desk.clock.wall() };
    await setLease({ desk }, { barred: { db2: bar, db3: bar } });
    for (let rounds = 0; rounds < 2; rounds++) await round();
    expect(told()).toEqual([]);
    for (let rounds = 0; rounds < 4; rounds++) await round();
    expect(told()).toEqual([expect.stringMatching(/^a failover of alpha would not work.*nobody could take over/)]);
    await setLease({ desk }, { barred: {} });
    await round();
    await setLease({ desk }, { barred: { db2: bar, db3: bar } });
    for (let rounds = 0; rounds < 3; rounds++) await round();
    expect(told()).toHaveLength(2);
  });

  it('leaves a cluster alone on which somebody works', async () => {
    const { bench, desk, clock, round } = await world();
    const bar = { by: 'ann', reason: 'x', at: desk.clock.wall() };
    await setLease({ desk }, { barred: { db2: bar, db3: bar } });
    const until = new Date(Date.parse(clock.wall()) + 60 * minuteMs).toISOString();
    await setPolicy(bench, { mode: 'maintenance', until });
    expect((await round()).notReady).toEqual({});
  });
});

describe('T62: a maintenance that nobody has ended', () => {
  const until = (clock: { wall(): string }, ms: number) => new Date(Date.parse(clock.wall()) + ms).toISOString();

  it('is over when its time is, on record, and people are told once', async () => {
    const { bench, desk, clock, round, told, later } = await world();
    await setPolicy(bench, { mode: 'maintenance', until: until(clock, minuteMs), by: 'ann', reason: 'new disks' });
    expect((await round()).done).toEqual([]);
    await later(minuteMs);
    expect((await round()).done.join()).toMatch(/^alpha: the maintenance that ann began \(new disks\) was over at/);
    expect(value(await desk.settings.policy('alpha'))).toMatchObject({ mode: 'maintenance', by: 'ann' });
    await round();
    expect(told()).toHaveLength(1);
    expect(value(await desk.journal.list('alpha')).filter(({ rule }) => rule === 'policy')).toHaveLength(1);
  });

  it('says nothing of one that was ended, and something of each that was not', async () => {
    const { bench, clock, round, told, later } = await world();
    await setPolicy(bench, { mode: 'maintenance', until: until(clock, minuteMs), by: 'ann', reason: 'new disks' });
    await setPolicy(bench, { mode: 'automatic', until: null, by: 'ann', reason: 'done' });
    await later(minuteMs);
    await round();
    expect(told()).toEqual([]);
    for (const reason of ['first', 'second']) {
      await setPolicy(bench, { mode: 'maintenance', until: until(clock, minuteMs), by: 'ann', reason });
      await later(minuteMs);
      await round();
      await round();
    }
    expect(told()).toEqual([expect.stringContaining('first'), expect.stringContaining('second')]);
  });
});

describe('a drill that the configuration asks for', () => {
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  /** The bench's time begins at midnight, 1 January 2026. */
  const today = days[new Date(Date.UTC(2026, 0, 1)).getUTCDay()];
  const drill: DrillConfig = { window: `${today}:00:00-${today}:01:00`, rtoMs: 1000 };
  const started = ({ operations }: Bench) => operations.started.map(({ name, input }) => [name, input.to ?? null]);

  it('moves the role there and back in its window, once, and is on record', async () => {
    const { bench, round, told, onRecord, later } = await world(switches(700), { drill });
    for (let rounds = 0; rounds < 6; rounds++) {
      await round();
      await later(minuteMs);
    }
    expect(started(bench)).toEqual([
      ['alpha-drill-20260101-there', null],
      ['alpha-drill-20260101-back', 'db1'],
    ]);
    expect(bench.operations.started.map(({ input }) => input.by)).toEqual(['automatic', 'automatic']);
    expect((await leaseOf(bench)).holder).toBe('db1');
    expect(await onRecord()).toMatchObject([
      { operation: null, details: { drill: 'alpha-drill-20260101', longestGapMs: 700, met: true } },
    ]);
    expect((await bench.run('status alpha')).out).toContain('alpha-drill-20260101-back (switchover) done');
    expect(told()).toEqual([]);
  });

  it('tells people when it took longer than was asked for', async () => {
    const { round, told, onRecord, later } = await world(switches(1700), { drill });
    for (let rounds = 0; rounds < 6; rounds++) {
      await round();
      await later(minuteMs);
    }
    expect(await onRecord()).toMatchObject([{ details: { longestGapMs: 1700, met: false } }]);
    expect(told()).toEqual([expect.stringMatching(/no writes for at most 1\.7 s, 1\.0 s were asked for: MISSED/)]);
  });

  it.each<[string, (bench: Bench) => Promise<unknown>, RegExp]>([
    [
      'the policy holds it back',
      (bench) => setPolicy(bench, { mode: 'manual', by: 'ann', reason: 'audit' }),
      /policy is manual \(ann: audit\)/,
    ],
    [
      'nobody could take over',
      (bench) =>
        setLease(bench, {
          barred: Object.fromEntries(
            ['db2', 'db3'].map((node) => [node, { by: 'ann', reason: 'x', at: bench.desk.clock.wall() }]),
          ),
        }),
      /nobody could take over/,
    ],
    [
      'there is a hold that nobody has looked at',
      (bench) => setLease(bench, { hold: { reason: 'db3 lost the main role', epoch: 6 } }),
      /there is a hold: db3 lost the main role/,
    ],
    [
      'the service is paused',
      (bench) => setLease(bench, { phase: 'paused', pausedBy: 'operator' }),
      /the lease is paused/,
    ],
  ])('is not held when %s, and people are told when its window is over', async (_, make, why) => {
    const { bench, round, told, onRecord, later } = await world(switches(700), { drill });
    await make(bench);
    await round();
    expect(await onRecord()).toEqual([]);
    await later(61 * minuteMs);
    await round();
    await round();
    expect(started(bench)).toEqual([]);
    expect(told().filter((because) => /drill/.test(because))).toEqual([expect.stringMatching(why)]);
    expect(await onRecord()).toMatchObject([{ details: { met: false, longestGapMs: null } }]);
  });

  it('T49, T67: rounds that are made twice at once begin one switchover, and one way back', async () => {
    const { bench, desk, clock, events, onRecord, later } = await world(switches(700), { drill });
    for (let rounds = 0; rounds < 4; rounds++) {
      const both = await clock.until(Promise.all([makeRounds(desk, events, null), makeRounds(desk, events, null)]));
      expect(both.flatMap(({ problems }) => problems)).toEqual([]);
      await later(minuteMs);
    }
    expect(started(bench)).toEqual([
      ['alpha-drill-20260101-there', null],
      ['alpha-drill-20260101-back', 'db1'],
    ]);
    expect(new Set((await onRecord()).map(({ because }) => because)).size).toBe(1);
  });

  it('waits for an operation that is under way, and begins when it is over', async () => {
    const { bench, desk, round, told, later } = await world(switches(700), { drill });
    const operation = { id: 'alpha-recover-1', kind: 'recover' as const, by: 'ann', since: desk.clock.wall() };
    await setLease({ desk }, { operation });
    bench.operations.executions.set(operation.id, { status: 'RUNNING' });
    await round();
    expect(started(bench)).toEqual([]);
    await setLease({ desk }, { operation: null });
    await later(minuteMs);
    await round();
    expect(started(bench)).toEqual([['alpha-drill-20260101-there', null]]);
    expect(told()).toEqual([]);
  });

  it.each([
    ['db3', 'db3'],
    ['db1', null],
  ])('goes to %s, unless that is the main already', async (to, asked) => {
    const { bench, round } = await world(switches(700), { drill: { ...drill, to } });
    await round();
    expect(started(bench)).toEqual([['alpha-drill-20260101-there', asked]]);
  });

  it('does not move the role back once the hour after its window is over, nor past a hold: people are told', async () => {
    const { bench, desk, round, told, onRecord, later } = await world(switches(700), { drill });
    await round();
    await later(minuteMs);
    await setLease({ desk }, { hold: { reason: 'db3 lost the main role', epoch: 6 } });
    await round();
    expect(await onRecord()).toEqual([]);
    await later(61 * minuteMs);
    await round();
    await round();
    expect(started(bench)).toHaveLength(1);
    expect(told()).toEqual([
      expect.stringMatching(/stopped half-way: db2 is main and db1 was before it; there is a hold/),
    ]);
    const late = await world(switches(700), { drill });
    await late.round();
    await late.later(3 * 60 * minuteMs);
    await late.round();
    expect([started(late.bench).length, await late.onRecord()]).toEqual([1, []]);
  });

  it('tells people of a switchover whose execution was stopped without a word', async () => {
    const script: Script = async (given, desk) => {
      await journalStep(desk, given, 'begin-switchover', { details: { by: 'automatic', oldMain: 'db1' } });
      return { status: 'ABORTED' };
    };
    const { round, told, later } = await world(script, { drill });
    await round();
    await later(minuteMs);
    await round();
    await round();
    expect(told()).toEqual([expect.stringMatching(/its switchover was stopped: its execution ended as ABORTED/)]);
  });

  it('does not begin outside its window, nor a day later', async () => {
    const { bench, clock, round, onRecord, later } = await world(switches(700), { drill });
    await clock.advance(25 * 60 * minuteMs);
    await later(0);
    await round();
    expect([started(bench), await onRecord()]).toEqual([[], []]);
  });

  it('stops where a failover came between, and does not move the role a second time', async () => {
    const { bench, desk, round, told, later } = await world(switches(700), { drill });
    await round();
    await later(minuteMs);
    await moved(desk, 'db3');
    await round();
    expect(started(bench)).toHaveLength(1);
    expect(told()).toEqual([expect.stringMatching(/stopped half-way: db3 is main and db1 was before it/)]);
  });

  it('is content when something else has moved the role back meanwhile', async () => {
    const { bench, desk, round, onRecord, later } = await world(switches(700), { drill });
    await round();
    await later(minuteMs);
    await moved(desk, 'db1');
    await round();
    expect(started(bench)).toHaveLength(1);
    expect(await onRecord()).toMatchObject([{ details: { met: true, longestGapMs: 700 } }]);
  });

  it('tells people that its switchover has failed, and does not try again', async () => {
    const script: Script = async (given, desk) => {
      await journalUndone(desk, given.name);
      return failed('Undo', 'NotDrained', 'the main did not stop in time');
    };
    const { bench, round, told, later } = await world(script, { drill });
    for (let rounds = 0; rounds < 3; rounds++) {
      await round();
      await later(minuteMs);
    }
    expect(started(bench)).toHaveLength(1);
    expect(told()).toEqual([expect.stringMatching(/the drill has failed: its switchover was undone/)]);
  });

  const journalUndone = async (desk: Bench['desk'], operation: string) => {
    const entry = { cluster: 'alpha', at: desk.clock.wall(), kind: 'step' as const, epoch: 7, operation };
    await desk.journal.append({ ...entry, actor: 'step:abort', rule: 'abort', because: 'undone: as it was before' });
  };
});
