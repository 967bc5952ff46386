// Named scenarios for traps that the protocol meets: the product's agents, plans and steps in virtual time.

import type { EngineStatus } from '../../core/model';
import { World } from './world';

/** A seated cluster at rest, without faults. */
async function atRest(): Promise<World> {
  const world = new World(1);
  await world.start();
  await world.clock.advance(6000);
  expect(await world.isHealthy()).toBe(true);
  return world;
}

const start = (world: World, kind: 'switchover' | 'failover' | 'recover', input: object, name = `alpha-${kind}-1`) =>
  world.clock.until(world.execute(kind, name, { cluster: 'alpha', ...input }), 600_000);

const main = (world: World) => {
  const found = world.machines.find(({ name }) => name === world.lease().holder);
  if (!found) throw new Error('nobody holds the lease');
  return found;
};

test('T1, T49: a killed main is failed over once, by a proven fence, under the next epoch', async () => {
  const world = await atRest();
  const { epoch, holder } = world.lease();
  world.pullPlug(main(world));
  await world.clock.advance(15_000);
  expect(world.lease()).toMatchObject({
    epoch: epoch + 1,
    phase: 'held',
    operation: null,
    fence: { node: holder, how: 'self-fence' },
  });
  expect(world.outcomes.filter(({ outcome }) => outcome.end === 'done')).toHaveLength(1);
});

test('T25, T26: when the store is lost to everybody the main stops itself, and gets the first chance when the store is back', async () => {
  const world = await atRest();
  const { epoch, holder } = world.lease();
  for (const machine of world.machines) machine.reachesStore = false;
  await world.clock.advance(10_000);
  expect(world.machines.filter(({ writable }) => writable)).toEqual([]);
  for (const machine of world.machines) machine.reachesStore = true;
  await world.clock.advance(10_000);
  expect(world.lease()).toMatchObject({ epoch, holder, phase: 'held' });
  expect(main(world).writable).toBe(true);
});

test('T20: a main that is cut off from the store stops before anybody else may start', async () => {
  const world = await atRest();
  const old = main(world);
  old.reachesStore = false;
  await world.clock.advance(15_000);
  expect(old.writable).toBe(false);
  expect(world.lease().holder).not.toBe(old.name);
  expect(world.fault).toBeNull();
});

test('T10: an engine that hangs is not kept in office by its agent', async () => {
  const world = await atRest();
  const old = main(world);
  const silent: EngineStatus = {
    ...old.status(),
    running: true,
    writable: false,
    received: null,
    problem: 'does not answer',
  };
  jest.spyOn(old, 'status').mockReturnValue(silent);
  old.broken = true;
  await world.clock.advance(20_000);
  expect(world.lease().holder).not.toBe(old.name);
  expect(old.writable).toBe(false);
});

test('policy manual: automatic says what it would have done and does nothing', async () => {
  const world = await atRest();
  const { epoch } = world.lease();
  await world.setPolicy('manual');
  world.pullPlug(main(world));
  await world.clock.advance(15_000);
  expect(world.lease().epoch).toBe(epoch);
  expect(world.outcomes[0]?.outcome.problem).toMatchObject({ family: 'Undo', code: 'Policy' });
  expect(world.outcomes[0]?.outcome.problem?.message).toContain('automatic would have failed over alpha');
  const { end } = await start(world, 'failover', { by: 'ann' });
  expect(end).toBe('done');
});

test('T9: without a contender the control plane observes, waits a full ttl, and observes again', async () => {
  const world = await atRest();
  const healthy = await start(world, 'failover', { by: 'ann' });
  expect(healthy.problem).toMatchObject({ code: 'Healthy' });
  expect(healthy.end).toBe('undone');
});

test('a forced failover of a healthy main fences it first: nothing is granted before the proof', async () => {
  const world = await atRest();
  const old = main(world);
  const { end, trace } = await start(world, 'failover', { by: 'ann', force: true });
  expect(end).toBe('done');
  expect(trace.indexOf('Fence the old main until proven')).toBeLessThan(trace.indexOf('Grant the lease'));
  expect(world.lease().fence?.node).toBe(old.name);
});

test('T11, T19: a node that cannot prove itself stopped is powered off, and stopping is not stopped', async () => {
  const world = await atRest();
  const old = main(world);
  // It cannot say so itself, and no deadman vouches for it.
  old.withoutDeadman = true;
  await world.clock.advance(6000);
  old.incarnation?.freeze();
  const startedAtMs = world.clock.nowMs();
  const { end, state } = await start(world, 'failover', { by: 'ann', force: true });
  expect(end).toBe('done');
  expect(state.proof).toMatchObject({
    node: old.name,
    how: 'power-off',
    evidence: expect.stringContaining('is stopped'),
  });
  expect(world.clock.nowMs() - startedAtMs).toBeGreaterThan(3000);
  expect(world.fault).toBeNull();
});

test('nobody left: it stops for a person, the lock is released, and nobody is granted anything', async () => {
  const world = await atRest();
  const old = main(world);
  for (const machine of world.machines) if (machine !== old) world.pullPlug(machine);
  const { end, problem } = await start(world, 'failover', { by: 'ann', force: true });
  expect({ end, code: problem?.code }).toEqual({ end: 'paged', code: 'NobodyLeft' });
  expect(world.lease()).toMatchObject({ phase: 'claimed', holder: null, operation: null });
});

test('T50: an execution that is aborted after any of its steps leaves nothing that the next cannot take over', async () => {
  for (let stopAfter = 1; stopAfter <= 11; stopAfter++) {
    const world = await atRest();
    world.abortAfter(stopAfter);
    void world.execute('switchover', 'alpha-switchover-aborted', { cluster: 'alpha', by: 'ann' });
    await world.clock.advance(20_000);
    world.abortAfter(Number.POSITIVE_INFINITY);
    await world.clock.advance(120_000);
    for (const node of world.nodesToRecover())
      await start(world, 'recover', { node, by: 'ann' }, `recover-${stopAfter}-${node}`);
    await world.clock.advance(10_000);
    expect([stopAfter, world.lease().phase]).toEqual([stopAfter, 'held']);
    const { end } = await start(world, 'switchover', { by: 'ann' }, `alpha-switchover-next-${stopAfter}`);
    expect([stopAfter, end]).toEqual([stopAfter, 'done']);
    await world.clock.advance(10_000);
    expect([stopAfter, await world.isHealthy()]).toEqual([stopAfter, true]);
    expect(world.fault).toBeNull();
  }
}, 60_000);

test('T48: a step that runs twice changes nothing the second time', async () => {
  const world = await atRest();
  world.everyStepTwice();
  const { epoch } = world.lease();
  const there = await start(world, 'switchover', { by: 'ann' });
  expect(there.end).toBe('done');
  expect(world.lease().epoch).toBe(epoch + 1);
  world.pullPlug(main(world));
  await world.clock.advance(20_000);
  expect(world.lease()).toMatchObject({ epoch: epoch + 2, phase: 'held', operation: null });
});

test('I1: the checker can fail: with a fence that believes without looking it sees two mains', async () => {
  const world = await atRest();
  const old = main(world);
  old.withoutDeadman = true;
  old.incarnation?.freeze();
  world.believeEveryFence();
  const forced = world.execute('failover', 'alpha-failover-1', { cluster: 'alpha', by: 'ann', force: true });
  void forced.catch(() => undefined);
  await world.clock.advance(20_000).catch(() => undefined);
  expect(world.fault?.message).toContain('I1: two nodes accept writes');
});

test('T24: the store and the main lost together: nobody is promoted until the store is back, then one is', async () => {
  const world = await atRest();
  const { epoch } = world.lease();
  const old = main(world);
  for (const machine of world.machines) machine.reachesStore = false;
  world.pullPlug(old);
  await world.clock.advance(20_000);
  expect(world.machines.filter(({ writable }) => writable)).toEqual([]);
  expect(world.lease().epoch).toBe(epoch);
  for (const machine of world.machines) machine.reachesStore = true;
  await world.clock.advance(20_000);
  expect(world.lease()).toMatchObject({ epoch: epoch + 1, phase: 'held', operation: null });
  expect(world.lease().holder).not.toBe(old.name);
});

test('T63: a failover that cannot help is not begun: nobody could take over, and the lease is as it was', async () => {
  const world = await atRest();
  const { epoch, holder } = world.lease();
  for (const machine of world.machines) if (machine.name !== holder) machine.broken = true;
  for (const machine of world.machines) if (machine.name !== holder) machine.killEngine('killed, and broken');
  await world.clock.advance(6000);
  const { end, problem } = await start(world, 'failover', { by: 'ann', force: true });
  expect({ end, code: problem?.code }).toEqual({ end: 'undone', code: 'NoCandidate' });
  expect(world.lease()).toMatchObject({ epoch, holder, phase: 'held', operation: null });
});
