// Turns and group commit against AWS's buckets in virtual time: who waits, who goes first, how often AWS refuses, and that a table
// that does not answer stands in nobody's way.

import { createGovernor } from '../../../adapters/governed/governor';
import { type Batch, inGroup } from '../../../adapters/governed/group';
import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import type { Faults } from '../../../adapters/memory/faults';
import { createMemoryFleet } from '../../../adapters/memory/fleet';
import { refused } from '../../../adapters/problems';
import type { Fleet, Importance } from '../../../core/fleet';
import { fail, ok } from '../../../core/result';
import { createBucket, Ledger } from '../../storm/bucket';
import { createFaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

const patienceMs = 60_000;

function aWorld(faults?: Faults) {
  const clock = createVirtualClock();
  const ids = createSequentialIds();
  const ledger = new Ledger();
  const bucket = createBucket(clock, { burst: 50, perSecond: 5 });
  const fleet = createMemoryFleet(faults ? { faults } : {});
  /** As in a Lambda of its own: nothing is shared but the table. */
  const governor = (patience = patienceMs, its: Fleet = fleet) =>
    createGovernor({ fleet: its, clock, ids, patienceMs: patience });
  const order: string[] = [];
  const associate = (name: string) =>
    ledger.call('associate', { from: [[bucket, 1]], error: 'RequestLimitExceeded' }, async () => {
      await clock.sleep(200);
      order.push(name);
      return ok(name);
    });
  const turn = (name: string, importance: Importance = 'normal', patience = patienceMs) =>
    governor(patience).turn('ec2:AssociateAddress', importance, () => associate(name));
  return { clock, ids, ledger, bucket, fleet, governor, order, associate, turn };
}

const named = (count: number, prefix = 'c') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

describe('turns', () => {
  it('calls straight while AWS refuses nobody: one look at the line, and not a millisecond later', async () => {
    const script = createFaultScript();
    const { clock, ledger, turn } = aWorld(script);
    expect(value(await clock.until(turn('alone')))).toBe('alone');
    expect(clock.nowMs()).toBe(200);
    expect(ledger.of('associate')).toMatchObject({ made: 1, throttled: 0 });
    expect(script.calls.map(({ method }) => method)).toEqual(['line']);
  });

  it('T66: two hundred calls through a bucket of 50 and 5 a second end when the bucket allows, and few are refused', async () => {
    const { clock, ledger, turn, order } = aWorld();
    const all = Promise.all(named(200).map((name) => turn(name)));
    const answers = await clock.until(all);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(200);
    expect(new Set(order).size).toBe(200);
    // (200 - 50) / 5 = 30 s; each of those refused at the start is refused once.
    expect(clock.nowMs()).toBeGreaterThan(29_000);
    expect(clock.nowMs()).toBeLessThan(36_000);
    expect(ledger.of('associate').throttled).toBeLessThan(165);
  });

  it('T66: those who come when the storm is known are not refused at all', async () => {
    const { clock, ledger, turn, fleet } = aWorld();
    const wallMs = Date.parse(clock.wall());
    value(await fleet.swapLine('ec2:AssociateAddress', null, { nextMs: wallMs, busyAtMs: wallMs, version: 1 }));
    await clock.until(Promise.all(named(100).map((name) => turn(name))));
    expect(ledger.of('associate')).toMatchObject({ made: 100, throttled: 0 });
  });

  it('T66: an important cluster that comes last goes before all who have no slot yet', async () => {
    const { clock, turn, order } = aWorld();
    const all = [...named(150).map((name) => turn(name)), ...named(30, 'low').map((name) => turn(name, 'low'))];
    await clock.advance(5000);
    const late = turn('important', 'high');
    await clock.until(Promise.all([...all, late]));
    const place = order.indexOf('important');
    expect(order).toHaveLength(181);
    expect(place).toBeGreaterThan(50);
    expect(place).toBeLessThan(50 + 5 * 5 + 15);
    const lows = order.flatMap((name, at) => (name.startsWith('low') ? [at] : []));
    const normals = order.flatMap((name, at) => (name.startsWith('c') ? [at] : []));
    const middle = (places: number[]) => places[places.length >> 1] ?? 0;
    expect(middle(lows)).toBeGreaterThan(middle(normals));
  });

  it('one whose turn does not come in time is told so as throttled, and its call was not made', async () => {
    const { clock, turn, order } = aWorld();
    const all = Promise.all(named(120).map((name) => turn(name, 'normal', 5000)));
    const answers = await clock.until(all);
    const late = answers.filter((answer) => !answer.ok).map(problem);
    expect(late.length).toBeGreaterThan(20);
    expect(order).toHaveLength(120 - late.length);
    expect(new Set(late.map(({ code }) => code))).toEqual(new Set(['Unreachable']));
  });

  it('T25: a table that does not answer stands in nobody’s way', async () => {
    const { clock, ledger, turn } = aWorld({ before: () => 'timeout-before' });
    const answers = await clock.until(Promise.all(named(60).map((name) => turn(name))));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(60);
    expect(ledger.of('associate').made).toBeGreaterThan(60);
  });

  it('calls go straight again half a minute after the last trouble', async () => {
    const { clock, turn, governor } = aWorld();
    await clock.until(Promise.all(named(60).map((name) => turn(name))));
    expect(await governor().stormy('ec2:AssociateAddress')).toBe(true);
    await clock.advance(31_000);
    expect(await governor().stormy('ec2:AssociateAddress')).toBe(false);
  });
});

describe('one call for many', () => {
  function aGroup(faults?: Faults) {
    const world = aWorld(faults);
    const { clock, ledger, bucket } = world;
    const calls: string[][] = [];
    const done: string[] = [];
    const batch = (most = 50): Batch<string, string> => ({
      api: 'ec2:StopInstances',
      lane: 'ec2:StopInstances',
      most,
      atOnce: 5,
      call: (bodies) =>
        ledger.call('stop', { from: [[bucket, 1]], error: 'RequestLimitExceeded', bodies: bodies.length }, async () => {
          await clock.sleep(300);
          calls.push([...bodies]);
          if (bodies.includes('protected')) return fail(refused('one of them is protected', 'unprotect it'));
          done.push(...bodies);
          return ok(bodies.map((body) => `${body} stopping`));
        }),
    });
    const ask = (name: string, importance: Importance = 'normal', patience = patienceMs) =>
      inGroup(world.governor(patience), batch(), importance, name);
    return { ...world, calls, done, batch, ask };
  }

  it('each makes its own call while AWS refuses nobody, and nothing is written', async () => {
    const script = createFaultScript();
    const { clock, ask, calls } = aGroup(script);
    expect((await clock.until(Promise.all(named(3).map((name) => ask(name))))).map(value)).toEqual(
      named(3).map((name) => `${name} stopping`),
    );
    expect(calls).toHaveLength(3);
    expect(new Set(script.calls.map(({ method }) => method))).toEqual(new Set(['line']));
  });

  it('T66: a thousand who ask at once are answered within seconds, in calls of at most 50', async () => {
    const { clock, ask, calls, done, ledger } = aGroup();
    const answers = await clock.until(Promise.all(named(1000).map((name) => ask(name))));
    expect(answers.map(value)).toEqual(named(1000).map((name) => `${name} stopping`));
    expect(new Set(done).size).toBe(1000);
    expect(Math.max(...calls.map(({ length }) => length))).toBe(50);
    // 50 go straight, 950 / 50 = 19 calls at 5 a second.
    expect(calls.length).toBeLessThan(50 + 25);
    expect(clock.nowMs()).toBeLessThan(15_000);
    // Each is refused once at the most before it knows.
    expect(ledger.of('stop').throttled).toBeLessThan(960);
  });

  it('T66: important ones are in the first call, whenever they came', async () => {
    const { clock, ask, bucket, calls } = aGroup();
    bucket.take(50);
    const low = named(100, 'low').map((name) => ask(name, 'low'));
    const high = named(20, 'high').map((name) => ask(name, 'high'));
    await clock.until(Promise.all([...low, ...high]));
    expect(calls[0]?.filter((name) => name.startsWith('high'))).toHaveLength(20);
  });

  it('one that AWS refuses loses alone', async () => {
    const { clock, ask, bucket, done } = aGroup();
    bucket.take(50);
    const names = [...named(40), 'protected'];
    const answers = await clock.until(Promise.all(names.map((name) => ask(name))));
    expect(answers.slice(0, 40).every((answer) => answer.ok)).toBe(true);
    expect(problem(answers[40] as (typeof answers)[number])).toMatchObject({ code: 'Refused' });
    expect(new Set(done)).toEqual(new Set(named(40)));
  });

  it('a leader that dies costs the others a few seconds', async () => {
    const { clock, ask, bucket, fleet, done } = aGroup();
    bucket.take(50);
    const nowMs = Date.parse(clock.wall());
    value(await fleet.lead('ec2:StopInstances', 'dead', nowMs, nowMs + 5000));
    await clock.until(Promise.all(named(30).map((name) => ask(name))));
    expect(new Set(done).size).toBe(30);
    expect(clock.nowMs()).toBeLessThan(9000);
  });

  it('T57: a wish whose owner has given up or died is not carried out', async () => {
    const { clock, ask, bucket, fleet, done } = aGroup();
    bucket.take(50);
    const untilMs = Date.parse(clock.wall()) + 3000;
    value(await fleet.put('ec2:StopInstances', { id: '0#2026-01-01#dead', body: 'dead', untilMs, answer: null }));
    await clock.advance(3000);
    bucket.take(15);
    await clock.until(Promise.all(named(5).map((name) => ask(name))));
    expect(done).not.toContain('dead');
    expect(await clock.until(fleet.waiting('ec2:StopInstances', 10))).toEqual({ ok: true, value: [] });
  });

  it('T25: a table that does not answer stands in nobody’s way', async () => {
    const { clock, ask } = aGroup({ before: () => 'timeout-before' });
    const answers = await clock.until(Promise.all(named(40).map((name) => ask(name))));
    expect(answers.every((answer) => answer.ok)).toBe(true);
  });

  it('nobody leaves a wish behind', async () => {
    const { clock, ask, bucket, fleet } = aGroup();
    bucket.take(50);
    const asked = named(80).map((name, n) => ask(name, 'normal', n % 2 ? 700 : patienceMs));
    await clock.until(Promise.all(asked));
    expect(await clock.until(fleet.waiting('ec2:StopInstances', 100))).toEqual({ ok: true, value: [] });
  });
});
