// Named scenarios of a main that goes on without the store, and of the modes in which commits wait for backups.

import assert from 'node:assert/strict';
import { atRest, backup, backups, cut, main, nothingHappened, pullPlug, type Scenario, writable } from './scenario';
import type { World } from './world';

const failsafe = { change: { onStoreLoss: 'failsafe' as const } };
const modes = ['sync', 'strict'] as const;
const inMode = (mode: (typeof modes)[number]) => ({ change: { replication: { mode, backups: 1 } } });
const loseStore = (world: World) => cut(world, 'store', ...world.machines.map(({ name }) => name), 'control plane');
const authority = (world: World) => ({ epoch: world.lease().epoch, holder: world.lease().holder });

export const failsafeScenarios: Record<string, Scenario> = {
  'T25: in failsafe the main goes on while everybody has lost the store, and nothing has happened when it is back':
    async () => {
      const world = await atRest(failsafe);
      const before = authority(world);
      loseStore(world);
      for (let second = 0; second < 120; second++) {
        await world.clock.advance(1000);
        assert.deepEqual(writable(world), [before.holder], `after ${second + 1} s`);
      }
      world.network.mendAll();
      await world.clock.advance(10_000);
      nothingHappened(world, before);
      return world;
    },

  'T20: in failsafe a main that alone has lost the store stops, and is replaced': async () => {
    const world = await atRest(failsafe);
    const old = main(world);
    cut(world, old.name, 'store');
    await world.clock.advance(20_000);
    assert.notEqual(world.lease().holder, old.name);
    assert.deepEqual(writable(world), [world.lease().holder]);
    return world;
  },

  'T20: in failsafe a main that reaches neither the store nor one of the others stops': async () => {
    const world = await atRest(failsafe);
    const old = main(world);
    loseStore(world);
    cut(world, old.name, backup(world).name);
    await world.clock.advance(6000);
    assert.deepEqual(writable(world), []);
    return world;
  },

  'T20: in failsafe who has given its word is not promoted before it is over, though a workflow has granted the lease':
    async () => {
      const world = await atRest(failsafe);
      const old = main(world);
      const others = backups(world).map(({ name }) => name);
      // The control plane reaches the store, the nodes do not; a person forces a failover meanwhile.
      cut(world, 'store', ...world.machines.map(({ name }) => name));
      await world.clock.advance(8000);
      assert.deepEqual(writable(world), [old.name]);
      void world.people.order('failover', { force: true });
      await world.clock.advance(3000);
      for (const name of others) {
        world.network.mend(name, 'store');
        world.network.mend('store', name);
      }
      await world.clock.advance(30_000);
      const now = writable(world);
      assert.equal(now.length, 1);
      assert.notEqual(now[0], old.name);
      return world;
    },

  'T24: in failsafe a main that is lost while the store is away is replaced when the store is back': async () => {
    const world = await atRest(failsafe);
    const old = main(world);
    loseStore(world);
    await world.clock.advance(10_000);
    pullPlug(world, old);
    await world.clock.advance(5000);
    world.network.mendAll();
    await world.clock.advance(30_000);
    assert.notEqual(world.lease().holder, old.name);
    assert.deepEqual(writable(world), [world.lease().holder]);
    return world;
  },

  'T30: sync records that it goes on alone before it does, and nobody may take over by itself then': async () => {
    const world = await atRest(inMode('sync'));
    const old = main(world);
    for (const machine of backups(world)) pullPlug(world, machine);
    await world.clock.advance(10_000);
    assert.deepEqual(world.lease().synced, []);
    const alone = world.acked.length;
    await world.clock.advance(2000);
    assert.ok(world.acked.length > alone, 'it goes on alone');
    assert.ok(world.events.length >= 0);
    pullPlug(world, old);
    for (const machine of backups(world)) world.powerOn(machine);
    await world.clock.advance(30_000);
    assert.equal(world.lease().epoch, 1);
    assert.deepEqual(writable(world), []);
    return world;
  },

  'strict never acknowledges alone, and goes on as soon as a backup is back': async () => {
    const world = await atRest(inMode('strict'));
    for (const machine of backups(world)) pullPlug(world, machine);
    await world.clock.advance(10_000);
    const alone = world.acked.length;
    await world.clock.advance(5000);
    assert.equal(world.acked.length, alone);
    world.powerOn(backup(world));
    await world.clock.advance(20_000);
    assert.ok(world.acked.length > alone);
    return world;
  },

  ...Object.fromEntries(
    modes.map((mode) => [
      `T28, T30: in ${mode} mode a failover loses nothing, whichever backup lags`,
      async () => {
        const world = await atRest(inMode(mode));
        const [first] = backups(world).filter(({ name }) => !world.lease().synced.includes(name));
        if (first) first.engine.lagWrites = 50;
        await world.clock.advance(5000);
        const old = main(world);
        pullPlug(world, old);
        await world.clock.advance(20_000);
        const now = main(world);
        assert.notEqual(now.name, old.name);
        assert.deepEqual(
          world.acked.filter(({ index, id }) => now.engine.writes[index]?.id !== id),
          [],
        );
        return world;
      },
    ]),
  ),
};
