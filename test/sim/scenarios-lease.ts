// Named scenarios: lease, time, partitions and fencing.

import assert from 'node:assert/strict';
import {
  atRest,
  backup,
  backups,
  cut,
  main,
  nothingHappened,
  ordered,
  pullPlug,
  type Scenario,
  writable,
} from './scenario';

const everyPlace = ['db1', 'db2', 'db3', 'control plane'];

export const leaseScenarios: Record<string, Scenario> = {
  'T1, T49: a killed main is failed over once, by a proven fence, under the next epoch': async () => {
    const world = await atRest();
    const { epoch, holder } = world.lease();
    pullPlug(world, main(world));
    await world.clock.advance(15_000);
    const lease = world.lease();
    assert.deepEqual([lease.epoch, lease.phase, lease.operation], [epoch + 1, 'held', null]);
    assert.deepEqual([lease.fence?.node, lease.fence?.how], [holder, 'self-fence']);
    assert.equal(world.cloud.all.filter(({ outcome }) => outcome?.end === 'done').length, 1);
    return world;
  },

  'T2, T13: renewals that take nearly as long as anybody waits do not stretch the promise': async () => {
    const world = await atRest();
    const old = main(world);
    world.trouble = 0.9;
    await world.clock.advance(60_000);
    world.trouble = 0;
    await world.clock.advance(60_000);
    assert.equal(writable(world).length, 1);
    assert.ok(world.lease().epoch >= 1 && old.powered);
    return world;
  },

  'T3: a main whose every reply is lost renews all the same, or stops: nobody else is main beside it': async () => {
    const world = await atRest();
    const old = main(world);
    world.network.cut('store', old.name);
    await world.clock.advance(20_000);
    assert.equal(old.engine.accepts, false);
    assert.notEqual(world.lease().holder, old.name);
    return world;
  },

  'T5: a frozen node that thaws after its promise has ended does not write, and stays out': async () => {
    const world = await atRest();
    const old = main(world);
    old.freeze();
    await world.clock.advance(20_000);
    assert.notEqual(world.lease().holder, old.name);
    old.thaw();
    await world.clock.advance(10_000);
    assert.equal(old.engine.running, false);
    assert.ok(world.lease().shunned[old.name]);
    return world;
  },

  'T6: an agent that dies alone takes its engine with it, before anybody else may start': async () => {
    const world = await atRest();
    const old = main(world);
    old.killAgent();
    await world.clock.advance(3900);
    assert.equal(old.engine.running, false);
    await world.clock.advance(12_000);
    assert.deepEqual([writable(world).length, writable(world).includes(old.name)], [1, false]);
    return world;
  },

  'T7: wall clocks that jump by an hour, back or forward, change nothing': async () => {
    const world = await atRest();
    const before = { epoch: world.lease().epoch, holder: world.lease().holder };
    const [first, second] = backups(world);
    main(world).wallOffsetMs = 3_600_000;
    if (first) first.wallOffsetMs = -3_600_000;
    if (second) second.wallOffsetMs = 3_600_000;
    await world.clock.advance(60_000);
    main(world).wallOffsetMs = -7_200_000;
    await world.clock.advance(60_000);
    nothingHappened(world, before);
    return world;
  },

  'T7: a node whose wall clock is ahead and which then falls silent is not called healthy': async () => {
    const world = await atRest();
    const lost = backup(world);
    lost.wallOffsetMs = 3_600_000;
    await world.clock.advance(10_000);
    pullPlug(world, lost);
    const { end } = await ordered(world, 'recover', { node: lost.name });
    assert.equal(end, 'done');
    assert.ok(world.isAtRest());
    return world;
  },

  'T9: without a contender the control plane observes, waits a full ttl, and observes again': async () => {
    const world = await atRest();
    const startedAtMs = world.nowMs();
    const { end, problem } = await ordered(world, 'failover');
    assert.deepEqual([end, problem?.code], ['undone', 'Healthy']);
    assert.ok(world.nowMs() - startedAtMs >= world.config.timings.ttlMs);
    return world;
  },

  'T10: an engine that hangs is not kept in office by its agent': async () => {
    const world = await atRest();
    const old = main(world);
    old.engine.stalls('hangs');
    old.engine.defect = 'broken';
    await world.clock.advance(20_000);
    assert.notEqual(world.lease().holder, old.name);
    assert.equal(old.engine.accepts, false);
    return world;
  },

  'T11, T19: a node that cannot prove itself stopped is powered off, and stopping is not stopped': async () => {
    const world = await atRest();
    const old = main(world);
    // It cannot say so itself, and no deadman vouches for it.
    old.withoutDeadman = true;
    await world.clock.advance(6000);
    old.life?.freeze();
    const startedAtMs = world.nowMs();
    const { end, state } = await ordered(world, 'failover', { force: true });
    assert.deepEqual([end, state.proof?.node, state.proof?.how], ['done', old.name, 'power-off']);
    assert.match(state.proof?.evidence ?? '', /is stopped/);
    assert.ok(world.nowMs() - startedAtMs > 3000);
    return world;
  },

  'T12: a main that hangs in its drain does not hold the cluster up: the switchover is undone, or somebody else is main':
    async () => {
      const world = await atRest();
      main(world).engine.stopMs = 40_000;
      const { end } = await ordered(world, 'switchover');
      assert.notEqual(end, 'done');
      main(world).engine.stopMs = 0;
      await world.clock.advance(120_000);
      assert.equal(writable(world).length, 1);
      assert.equal(world.vipTarget()?.name, writable(world)[0]);
      return world;
    },

  'T14: a main that stalls, is replaced and then revives acknowledges nothing any more': async () => {
    const world = await atRest();
    const old = main(world);
    old.engine.stalls('disk');
    await world.clock.advance(30_000);
    assert.notEqual(world.lease().holder, old.name);
    old.engine.revive();
    await world.clock.advance(10_000);
    assert.equal(old.engine.running, false);
    return world;
  },

  'T15: an old main that gets its power back stays out until a person lets it back': async () => {
    const world = await atRest();
    const old = main(world);
    pullPlug(world, old);
    await world.clock.advance(20_000);
    world.powerOn(old);
    await world.clock.advance(60_000);
    assert.deepEqual([old.engine.running, world.lease().shunned[old.name] !== undefined], [false, true]);
    assert.equal((await ordered(world, 'recover', { node: old.name })).end, 'done');
    assert.ok(world.isAtRest());
    return world;
  },

  'T16: two nodes that are cut off from each other do not fence each other': async () => {
    const world = await atRest({ nodes: 2 });
    const before = { epoch: world.lease().epoch, holder: world.lease().holder };
    cut(world, 'db1', 'db2');
    await world.clock.advance(60_000);
    nothingHappened(world, before);
    assert.ok(world.machines.every(({ powered }) => powered));
    return world;
  },

  'T17: an engine that somebody promotes by hand is stopped by its agent': async () => {
    const world = await atRest();
    const { engine } = backup(world);
    engine.byHand = true;
    engine.set(true, true, 'promoted by hand');
    await world.clock.advance(3000);
    assert.equal(engine.writable, false);
    await world.clock.advance(10_000);
    assert.ok(world.isAtRest());
    return world;
  },

  'T20: a main that is cut off from the store stops before anybody else may start': async () => {
    const world = await atRest();
    const old = main(world);
    cut(world, old.name, 'store');
    await world.clock.advance(3900);
    assert.deepEqual(writable(world), []);
    await world.clock.advance(12_000);
    assert.notEqual(world.lease().holder, old.name);
    return world;
  },

  'T20, T21: a main that is cut off from its backups alone stays main': async () => {
    const world = await atRest();
    const before = { epoch: world.lease().epoch, holder: world.lease().holder };
    cut(world, 'db1', 'db2', 'db3');
    await world.clock.advance(60_000);
    nothingHappened(world, before);
    assert.deepEqual(writable(world), ['db1']);
    return world;
  },

  'T22: clients that do not reach the main are no reason for a failover': async () => {
    const world = await atRest();
    const before = { epoch: world.lease().epoch, holder: world.lease().holder };
    cut(world, 'clients', 'db1');
    await world.clock.advance(60_000);
    nothingHappened(world, before);
    return world;
  },

  'T23: a contender whose own link to the store is lost does not take that for the main’s death': async () => {
    const world = await atRest();
    const before = { epoch: world.lease().epoch, holder: world.lease().holder };
    const contender = backup(world);
    for (let times = 0; times < 5; times++) {
      cut(world, contender.name, 'store');
      await world.clock.advance(7000);
      world.network.mendAll();
      await world.clock.advance(2000);
    }
    nothingHappened(world, before);
    return world;
  },

  'T24: the store and the main lost together: nobody is promoted until the store is back, then one is': async () => {
    const world = await atRest();
    const { epoch, holder } = world.lease();
    cut(world, 'store', ...everyPlace);
    pullPlug(world, main(world));
    await world.clock.advance(20_000);
    assert.deepEqual([writable(world), world.lease().epoch], [[], epoch]);
    world.network.mendAll();
    await world.clock.advance(20_000);
    assert.deepEqual([world.lease().epoch, world.lease().phase], [epoch + 1, 'held']);
    assert.notEqual(world.lease().holder, holder);
    return world;
  },

  'T25, T26: when the store is lost to everybody the main stops itself, and gets the first chance when it is back':
    async () => {
      const world = await atRest();
      const before = { epoch: world.lease().epoch, holder: world.lease().holder };
      cut(world, 'store', ...everyPlace);
      await world.clock.advance(10_000);
      assert.deepEqual(writable(world), []);
      world.network.mendAll();
      await world.clock.advance(10_000);
      nothingHappened(world, before);
      assert.deepEqual(writable(world), [before.holder]);
      return world;
    },

  'T60: a main that is stopped cleanly is not failed over, and is main again when it is back': async () => {
    const world = await atRest();
    const old = main(world);
    await world.clock.until(world.people.stopAgent(old), 60_000);
    await world.clock.advance(60_000);
    assert.deepEqual([world.lease().phase, world.lease().holder, writable(world)], ['paused', old.name, []]);
    world.startAgent(old);
    await world.clock.advance(10_000);
    assert.deepEqual([world.isAtRest(), world.lease().holder], [true, old.name]);
    return world;
  },

  'T60: a main that is stopped cleanly before the operation that made it main has ended is not replaced': async () => {
    const world = await atRest();
    const target = backup(world);
    let stopping: Promise<void> | null = null;
    world.cloud.beforeInvocation = ({ step }) => {
      if (step !== 'promote' || stopping) return;
      stopping = (async () => {
        while (world.lease().phase !== 'held') await world.clock.sleep(1);
        await world.people.stopAgent(target);
      })();
    };
    const { end } = await ordered(world, 'switchover', { to: target.name });
    assert.notEqual(end, 'undone');
    await world.clock.advance(120_000);
    assert.deepEqual([world.lease().phase, world.lease().holder, writable(world)], ['paused', target.name, []]);
    world.startAgent(target);
    await world.clock.advance(120_000);
    assert.deepEqual([world.isAtRest(), world.lease().holder], [true, target.name]);
    return world;
  },

  'T10, T60: a pause of a main whose engine has just crashed is a pause all the same': async () => {
    const world = await atRest();
    const old = main(world);
    old.engine.defect = 'broken';
    old.engine.kill('killed, and broken');
    assert.ok(await world.people.pause());
    await world.clock.advance(20_000);
    assert.deepEqual([world.lease().phase, world.lease().holder, writable(world)], ['paused', old.name, []]);
    old.engine.defect = null;
    await world.people.resume();
    await world.clock.advance(10_000);
    assert.ok(world.isAtRest());
    return world;
  },

  'T60: what an operator has paused waits for the operator, agents restarted or not': async () => {
    const world = await atRest();
    const old = main(world);
    await world.people.pause();
    await world.clock.advance(10_000);
    old.killAgent();
    world.startAgent(old);
    await world.clock.advance(60_000);
    assert.deepEqual([world.lease().phase, writable(world)], ['paused', []]);
    await world.people.resume();
    await world.clock.advance(10_000);
    assert.deepEqual([world.isAtRest(), world.lease().holder], [true, old.name]);
    return world;
  },

  'T64: after a power cut of everything the holder of the lease is main again, though it comes up last': async () => {
    const world = await atRest();
    const old = main(world);
    const { holder } = world.lease();
    await world.people.setPolicy('manual');
    for (const machine of world.machines) pullPlug(world, machine);
    await world.clock.advance(30_000);
    for (const machine of world.machines) if (machine !== old) world.powerOn(machine);
    await world.clock.advance(30_000);
    assert.deepEqual(writable(world), []);
    world.powerOn(old);
    await world.clock.advance(15_000);
    assert.deepEqual([world.isAtRest(), world.lease().holder], [true, holder]);
    return world;
  },
};
