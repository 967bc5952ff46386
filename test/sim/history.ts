// One history: a minute of faults drawn from the seed, then the heal, then the demand that the cluster comes to rest. A
// person stands by after the heal and does what status tells: recovers who is shunned, seats who is right.

import type { OperationKind } from '../../core/model';
import type { Machine } from './machine';
import { World } from './world';

const faultyMs = 60_000;
const healMs = 240_000;

export interface HistoryResult {
  seed: number;
  failovers: number;
  switchovers: number;
  faults: Record<string, number>;
}

type Strike = (world: World, machine: Machine) => void;

const later = (world: World, ms: number, act: () => void): void => void world.clock.sleep(ms).then(act);

const strikes: Record<string, Strike> = {
  'plug pulled': (world, machine) => {
    world.pullPlug(machine);
    later(world, world.random.between(2000, 30_000), () => !machine.powered && world.powerOn(machine));
  },
  'agent killed': (world, machine) => {
    world.killAgent(machine);
    later(
      world,
      world.random.between(500, 12_000),
      () => machine.powered && !machine.incarnation && world.startAgent(machine),
    );
  },
  'agent frozen': (world, machine) => {
    const { incarnation } = machine;
    world.tell(`${machine.name}: agent frozen`);
    incarnation?.freeze();
    later(world, world.random.between(500, 15_000), () => {
      world.tell(`${machine.name}: agent thawed`);
      incarnation?.melt();
    });
  },
  'engine killed': (_, machine) => machine.killEngine('killed'),
  'engine broken': (world, machine) => {
    machine.broken = true;
    machine.killEngine('killed, and broken');
    later(world, world.random.between(5000, 40_000), () => {
      machine.broken = false;
    });
  },
  'store cut off': (world, machine) => {
    world.tell(`${machine.name}: cut off from the store`);
    machine.reachesStore = false;
    later(world, world.random.between(500, 15_000), () => {
      world.tell(`${machine.name}: reaches the store again`);
      machine.reachesStore = true;
    });
  },
  'store lost to all': (world) => {
    for (const machine of world.machines) machine.reachesStore = false;
    later(world, world.random.between(500, 10_000), () => {
      for (const machine of world.machines) machine.reachesStore = true;
    });
  },
  'switch asked': (world) => operate(world, 'switchover', {}),
  'forced failover': (world) => operate(world, 'failover', { force: true }),
  'recover asked': (world, machine) => operate(world, 'recover', { node: machine.name }),
};

let operations = 0;
function operate(world: World, kind: OperationKind, input: object): void {
  operations += 1;
  void world.execute(kind, `alpha-${kind}-op${operations}`, { cluster: 'alpha', by: 'operator', ...input });
}

/** Rejects with the story when an invariant breaks or the cluster does not come to rest. */
export async function runHistory(seed: number): Promise<HistoryResult> {
  const world = new World(seed);
  await world.start();
  world.trouble = world.random.pick([0, 0, 0.01, 0.05]);
  const faults: Record<string, number> = {};
  const names = Object.keys(strikes);
  const endMs = world.clock.nowMs() + faultyMs;
  await world.clock.advance(5000);
  while (world.clock.nowMs() < endMs) {
    const name = world.random.pick(names);
    faults[name] = (faults[name] ?? 0) + 1;
    strikes[name]?.(world, world.random.pick(world.machines));
    await world.clock.advance(world.random.between(200, 12_000));
    if (world.fault) throw world.fault;
  }
  await heal(world);
  const done = (kind: OperationKind) =>
    world.outcomes.filter((entry) => entry.kind === kind && entry.outcome.end === 'done').length;
  return { seed, failovers: done('failover'), switchovers: done('switchover'), faults };
}

async function heal(world: World): Promise<void> {
  world.trouble = 0;
  world.tell('---- healed');
  for (const machine of world.machines) {
    machine.reachesStore = true;
    machine.broken = false;
    machine.incarnation?.melt();
    if (!machine.powered) world.powerOn(machine);
    else if (!machine.incarnation) world.startAgent(machine);
  }
  const endMs = world.clock.nowMs() + healMs;
  while (world.clock.nowMs() < endMs) {
    await world.clock.advance(1000);
    if (world.fault) throw world.fault;
    if (await world.isHealthy()) return;
    const { phase, operation } = world.lease();
    const [shunned] = world.nodesToRecover();
    const stuck = world.machines.find((machine) => machine.name !== world.lease().holder && !machine.isStreaming());
    const node = shunned ?? stuck?.name;
    if (phase === 'held' && operation === null && node) operate(world, 'recover', { node });
    const nobodyLeft = world.machines.every(({ name }) => world.lease().shunned[name] || name === world.lease().holder);
    if ((phase === 'claimed' || phase === 'abdicated') && operation === null && nobodyLeft) await world.seat();
  }
  throw new Error(
    `seed ${world.seed}: not at rest ${healMs} ms after the heal: ${JSON.stringify(world.lease())}\n${world.story.slice(-80).join('\n')}`,
  );
}
