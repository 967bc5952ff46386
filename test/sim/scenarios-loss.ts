// Named scenarios: what may be lost, who may be chosen, and how a node comes back.

import assert from 'node:assert/strict';
import type { Machine } from './machine';
import { atRest, backup, backups, main, ordered, pullPlug, type Scenario, writable } from './scenario';
import type { World } from './world';

/** What the last choice of a failover has reported. */
const reportedLoss = (world: World) =>
  world.journal().findLast(({ details }) => details?.loss)?.details?.loss as {
    beyondBytes: number;
    atLeastBytes: number;
  };

/** The main is lost with writes that no backup has; another one takes over. Gives the lost one. */
async function loseAhead(world: World): Promise<Machine> {
  const old = main(world);
  for (const { engine } of backups(world)) engine.lagWrites = 50;
  await world.clock.advance(5000);
  pullPlug(world, old);
  for (const { engine } of backups(world)) engine.lagWrites = 0;
  await world.clock.advance(20_000);
  return old;
}

export const lossScenarios: Record<string, Scenario> = {
  'T27: what a failover loses is told as a position, and nothing before it is lost': async () => {
    const world = await atRest();
    const old = main(world);
    for (const { engine } of backups(world)) engine.lagWrites = 400;
    await world.clock.advance(20_000);
    pullPlug(world, old);
    const ackedBefore = world.acked.length;
    await world.clock.advance(15_000);
    const { beyondBytes, atLeastBytes } = reportedLoss(world);
    assert.equal(main(world).engine.forkedAt, beyondBytes);
    assert.ok(atLeastBytes > 0 && beyondBytes + atLeastBytes <= old.engine.bytes);
    assert.ok(world.acked.length < ackedBefore + 500);
    return world;
  },

  'T27: with synchronous replication a failover loses nothing': async () => {
    const world = await atRest({ change: { replication: { mode: 'sync', backups: 1 } } });
    const acked = [...world.acked];
    pullPlug(world, main(world));
    await world.clock.advance(15_000);
    const { engine } = main(world);
    assert.ok(acked.length > 100);
    assert.ok(acked.every(({ id, index }) => engine.writes[index]?.id === id));
    return world;
  },

  'T28: the candidate is chosen after the fence: the one that received most to the very end': async () => {
    const world = await atRest();
    const [first, second] = backups(world);
    assert.ok(first && second);
    first.engine.lagWrites = 30;
    await world.clock.advance(5000);
    const { trace, end } = await ordered(world, 'failover', { force: true });
    assert.equal(end, 'done');
    assert.ok(trace.indexOf('Fence the old main until proven') < trace.indexOf('Choose the candidate'));
    assert.equal(world.lease().holder, second.name);
    return world;
  },

  'T33, T39: a backup that has left the main’s history is not chosen, though its timeline has the same number':
    async () => {
      const world = await atRest();
      const [first, second] = backups(world);
      assert.ok(first && second);
      // The second is ahead and away while the first takes over, then the new main is lost as well.
      first.engine.lagWrites = 20;
      await world.clock.advance(5000);
      second.killAgent();
      second.engine.kill('stopped');
      pullPlug(world, main(world));
      await world.clock.advance(20_000);
      assert.equal(world.lease().holder, first.name);
      second.engine.timeline = first.engine.timeline;
      second.engine.forkedAt = first.engine.forkedAt;
      pullPlug(world, first);
      world.startAgent(second);
      await world.clock.advance(60_000);
      assert.notEqual(world.lease().holder, second.name);
      const told = world.journal().findLast(({ because }) => because.includes('recover it'));
      assert.match(told?.because ?? '', /its history left the main’s/);
      return world;
    },

  'T35: a rejoin that is interrupted leaves a node that does not start, until it is recovered again': async () => {
    const world = await atRest();
    const old = await loseAhead(world);
    void world.people.order('recover', { node: old.name });
    while (!old.engine.torn) await world.clock.advance(20);
    old.killAgent();
    await world.clock.advance(5000);
    world.startAgent(old);
    await world.clock.advance(20_000);
    assert.equal(old.engine.running && old.engine.torn, false);
    await world.clock.advance(60_000);
    if (!world.isAtRest()) assert.equal((await ordered(world, 'recover', { node: old.name })).end, 'done');
    await world.clock.advance(10_000);
    assert.ok(world.isAtRest());
    return world;
  },

  'T36: a backup whose stream is broken is no candidate of a switchover': async () => {
    const world = await atRest();
    const [first, second] = backups(world);
    assert.ok(first && second);
    world.network.cut(first.name, main(world).name);
    await world.clock.advance(6000);
    const named = await ordered(world, 'switchover', { to: first.name });
    assert.deepEqual([named.end, named.problem?.code], ['undone', 'NotEligible']);
    assert.match(named.problem?.message ?? '', /stream from the main is broken/);
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    assert.equal(world.lease().holder, second.name);
    return world;
  },

  'T40: a node with another data set under an old name is not elected': async () => {
    const world = await atRest();
    const rebuilt = backup(world);
    const status = rebuilt.engine.status.bind(rebuilt.engine);
    rebuilt.engine.status = () => ({ ...status(), dataId: 'another' });
    await world.clock.advance(6000);
    pullPlug(world, main(world));
    await world.clock.advance(20_000);
    assert.deepEqual([world.lease().phase, world.lease().holder === rebuilt.name], ['held', false]);
    return world;
  },

  'T41: a node comes back by rewind only after its evidence was kept, and by follow when nothing had diverged':
    async () => {
      const world = await atRest();
      const old = await loseAhead(world);
      assert.equal((await ordered(world, 'recover', { node: old.name })).end, 'done');
      const rejoined = world.journal().findLast(({ rule }) => rule === 'rejoin');
      assert.deepEqual([rejoined?.details?.method, rejoined?.details?.evidence], ['rewind', 'kept']);
      return world;
    },

  'T63: a failover that cannot help is not begun: nobody could take over, and the lease is as it was': async () => {
    const world = await atRest();
    const { epoch, holder } = world.lease();
    for (const { engine } of backups(world)) {
      engine.defect = 'no space left on device';
      engine.kill('no space left on device');
    }
    await world.clock.advance(6000);
    const { end, problem } = await ordered(world, 'failover', { force: true });
    assert.deepEqual([end, problem?.code], ['undone', 'NoCandidate']);
    assert.deepEqual([world.lease().epoch, world.lease().holder, world.lease().operation], [epoch, holder, null]);
    assert.deepEqual(writable(world), [holder]);
    return world;
  },

  'nobody left: it stops for a person, the lock is released, and nobody is granted anything': async () => {
    const world = await atRest();
    for (const machine of backups(world)) pullPlug(world, machine);
    const { end, problem } = await ordered(world, 'failover', { force: true });
    assert.deepEqual([end, problem?.code], ['paged', 'NobodyLeft']);
    const { phase, holder, operation } = world.lease();
    assert.deepEqual({ phase, holder, operation }, { phase: 'claimed', holder: null, operation: null });
    assert.ok(world.events.some(({ type }) => type === 'Attention Needed'));
    return world;
  },
};
