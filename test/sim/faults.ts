// What may happen to a cluster, drawn from the seed: each fault has its name, the traps it makes the protocol meet
// (../shared numbers, as in test titles), and what it does. A strike takes care of its own end; the heal ends what is left.

import type { Machine } from './machine';
import type { Place } from './network';
import type { World } from './world';

export interface Strike {
  traps: readonly string[];
  strike: (world: World, machine: Machine) => void;
}

/** After this long, drawn between the bounds. */
const later = (world: World, low: number, high: number, act: () => void): void =>
  void world.clock.sleep(world.random.between(low, high)).then(act);

function cut(world: World, pairs: [Place, Place][], what: string): void {
  world.tell(`cut: ${what}`);
  for (const [from, to] of pairs) world.network.cut(from, to);
  later(world, 300, 20_000, () => {
    world.tell(`mended: ${what}`);
    for (const [from, to] of pairs) world.network.mend(from, to);
  });
}

const both = (one: Place, other: Place): [Place, Place][] => [
  [one, other],
  [other, one],
];

const peersOf = (world: World, machine: Machine): Place[] =>
  world.machines.filter((peer) => peer !== machine).map(({ name }) => name);

function plug(world: World, machine: Machine): void {
  world.tell(`${machine.name}: plug pulled`);
  machine.powerOff();
  world.power.set(machine.config.instanceId, 'stopped');
}

function killAgent(world: World, machine: Machine): void {
  world.tell(`${machine.name}: agent killed`);
  machine.killAgent();
}

function freezeNode(world: World, machine: Machine): void {
  world.tell(`${machine.name}: frozen`);
  machine.freeze();
}

function breakEngine(machine: Machine, defect: string): void {
  machine.engine.defect = defect;
  machine.engine.kill(defect);
}

// biome-ignore format: a table
export const onNodes = {
  'plug pulled': { traps: ['T15', 'T68'], strike: (world, machine) => {
    plug(world, machine);
    later(world, 2000, 30_000, () => !machine.powered && world.powerOn(machine));
  } },
  'agent killed': { traps: ['T6'], strike: (world, machine) => {
    killAgent(world, machine);
    later(world, 500, 12_000, () => world.startAgent(machine));
  } },
  'agent frozen': { traps: ['T5'], strike: (world, machine) => {
    const { life } = machine;
    world.tell(`${machine.name}: agent frozen`);
    life?.freeze();
    later(world, 300, 15_000, () => !machine.isFrozen && life?.melt());
  } },
  'frozen in a call, and cut off': { traps: ['T2', 'T5'], strike: (world, machine) => {
    const { life, name } = machine;
    // At one of its next requests or answers: a round makes some ten.
    life?.afterPasses(Math.floor(world.random.between(0, 30)), () => {
      world.tell(`${name}: agent frozen in a call`);
      life.freeze();
      later(world, 500, 4000, () => {
        life.melt();
        later(world, 0, 100, () => cut(world, both(name, 'store'), `${name} from the store`));
      });
    });
  } },
  'node frozen in a call': { traps: ['T2', 'T5', 'T14'], strike: (world, machine) => {
    machine.life?.afterPasses(Math.floor(world.random.between(0, 30)), () => {
      freezeNode(world, machine);
      later(world, 3000, 15_000, () => {
        world.tell(`${machine.name}: thawed`);
        machine.thaw();
      });
    });
  } },
  'node frozen': { traps: ['T5', 'T14'], strike: (world, machine) => {
    freezeNode(world, machine);
    later(world, 300, 15_000, () => {
      world.tell(`${machine.name}: thawed`);
      machine.thaw();
    });
  } },
  'agent stopped cleanly': { traps: ['T60'], strike: (world, machine) => {
    void world.people.stopAgent(machine).then(() => later(world, 1000, 40_000, () => world.startAgent(machine)));
  } },
  'wall clock stepped': { traps: ['T7'], strike: (world, machine) => {
    machine.wallOffsetMs += world.random.between(-3_600_000, 3_600_000);
    world.tell(`${machine.name}: wall clock off by ${Math.round(machine.wallOffsetMs)} ms`);
  } },
} satisfies Record<string, Strike>;

// biome-ignore format: a table
export const onEngines = {
  'promoted by hand': { traps: ['T17'], strike: (_, { engine }) => {
    if (!engine.running || engine.writable || !engine.standby || engine.stall) return;
    engine.byHand = true;
    engine.standby = false;
    engine.set(true, true, 'promoted by hand');
  } },
  'engine killed': { traps: ['T10'], strike: (_, { engine }) => engine.kill('killed') },
  'engine broken': { traps: ['T10'], strike: (world, machine) => {
    breakEngine(machine, 'broken');
    later(world, 5000, 40_000, () => { machine.engine.defect = null; });
  } },
  'disk full': { traps: ['T63'], strike: (world, machine) => {
    breakEngine(machine, 'no space left on device');
    later(world, 3000, 30_000, () => { machine.engine.defect = null; });
  } },
  'engine hangs': { traps: ['T12', 'T14'], strike: (world, { engine }) => {
    engine.stalls('hangs');
    later(world, 300, 20_000, () => engine.revive());
  } },
  'disk stalls': { traps: ['T12', 'T14'], strike: (world, { engine }) => {
    engine.stalls('disk');
    later(world, 300, 20_000, () => engine.revive());
  } },
  'engine stops slowly': { traps: ['T12', 'T52'], strike: (world, { engine }) => {
    engine.stopMs = world.random.between(2000, 25_000);
    later(world, 10_000, 30_000, () => { engine.stopMs = 0; });
  } },
  'replication lags': { traps: ['T27', 'T32', 'T39'], strike: (world, { engine }) => {
    engine.lagWrites = Math.floor(world.random.between(5, 100));
    later(world, 3000, 30_000, () => { engine.lagWrites = 0; });
  } },
} satisfies Record<string, Strike>;

// biome-ignore format: a table
export const onNetwork = {
  'store cut off': { traps: ['T20', 'T23'], strike: (world, { name }) => cut(world, both(name, 'store'), `${name} from the store`) },
  'replies of the store lost': { traps: ['T3', 'T13'], strike: (world, { name }) => cut(world, [['store', name]], `replies of the store to ${name}`) },
  'peers cut off': { traps: ['T21', 'T36'], strike: (world, machine) =>
    cut(world, peersOf(world, machine).flatMap((peer) => both(machine.name, peer)), `${machine.name} from its peers`) },
  'one-way cut': { traps: ['T20', 'T36'], strike: (world, machine) =>
    cut(world, [[machine.name, world.random.pick(peersOf(world, machine))]], `one way from ${machine.name}`) },
  'clients cut off': { traps: ['T22', 'T44'], strike: (world, { name }) => cut(world, both('clients', name), `clients from ${name}`) },
  'node cut off': { traps: ['T16', 'T20'], strike: (world, machine) => {
    const others: Place[] = [...peersOf(world, machine), 'store', 'clients'];
    cut(world, others.flatMap((other) => both(machine.name, other)), `${machine.name} from everything`);
  } },
  'store lost to the nodes': { traps: ['T20', 'T25'], strike: loseStoreOnNodes },
  'store lost to all': { traps: ['T24', 'T25', 'T26'], strike: (world) => loseStore(world) },
  'control plane cut off': { traps: ['T13', 'T19'], strike: (world) => cut(world, both('control plane', 'store'), 'the control plane from the store') },
} satisfies Record<string, Strike>;

/** The control plane reads on. Each node finds the store again at a time of its own; a person may not wait for that. */
function loseStoreOnNodes(world: World): void {
  world.tell('the nodes lose the store');
  for (const { name } of world.machines) {
    for (const [from, to] of both(name, 'store')) world.network.cut(from, to);
    later(world, 4000, 25_000, () => {
      world.tell(`${name} finds the store again`);
      for (const [from, to] of both(name, 'store')) world.network.mend(from, to);
    });
  }
  if (world.random.chance(0.7)) later(world, 2000, 12_000, () => void world.people.order('failover', { force: true }));
}

function loseStore(world: World): void {
  const places: Place[] = [...world.machines.map(({ name }) => name), 'control plane'];
  const fromMs = world.clock.nowMs();
  world.tell('the store is away for everybody');
  for (const place of places) for (const [from, to] of both(place, 'store')) world.network.cut(from, to);
  later(world, 500, 15_000, () => {
    // The heal may have been faster.
    if (world.network.reaches('control plane', 'store')) return;
    world.tell('the store is back');
    world.outage = { fromMs, toMs: world.clock.nowMs() };
    for (const place of places) for (const [from, to] of both(place, 'store')) world.network.mend(from, to);
  });
}

// biome-ignore format: a table
export const byPeople = {
  'switch asked': { traps: ['T43', 'T53', 'T55'], strike: ({ people }) => void people.order('switchover') },
  'failover asked': { traps: ['T9'], strike: ({ people }) => void people.order('failover') },
  'forced failover': { traps: ['T11', 'T28'], strike: ({ people }) => void people.order('failover', { force: true }) },
  'recover asked': { traps: ['T33', 'T35', 'T41'], strike: ({ people }, { name }) => void people.order('recover', { node: name }) },
  'paused': { traps: ['T60'], strike: (world) => {
    void world.people.pause();
    later(world, 3000, 20_000, () => void world.people.resume());
  } },
  'fence confirmed': { traps: ['T54'], strike: (world) => void world.people.standByFence(world.random.between(5000, 40_000)) },
  'policy manual': { traps: ['T62'], strike: (world) => {
    void world.people.setPolicy('manual');
    later(world, 5000, 30_000, () => void world.people.setPolicy('automatic'));
  } },
  'execution stopped': { traps: ['T50'], strike: (world) => {
    const [execution] = world.cloud.running();
    if (execution) world.cloud.stop(execution);
  } },
  'execution redriven late': { traps: ['T48', 'T50', 'T54'], strike: (world) => {
    const [execution] = world.cloud.running();
    if (!execution) return;
    world.cloud.stop(execution);
    later(world, 500, 40_000, () => void world.cloud.redrive(execution));
  } },
} satisfies Record<string, Strike>;

export const strikes: Record<string, Strike> = { ...onNodes, ...onEngines, ...onNetwork, ...byPeople };

/** A main that is lost for good: nobody brings it back. */
export const lasting: Record<string, Strike> = {
  'plug pulled for good': { traps: ['T1'], strike: plug },
  'agent killed for good': { traps: ['T6'], strike: killAgent },
  'node frozen for good': { traps: ['T5'], strike: freezeNode },
  'engine broken for good': { traps: ['T10'], strike: (_, machine) => breakEngine(machine, 'broken') },
  'engine hangs for good': { traps: ['T10', 'T12'], strike: (_, { engine }) => engine.stalls('hangs') },
  'disk stalls for good': { traps: ['T12'], strike: (_, { engine }) => engine.stalls('disk') },
  'store cut off for good': {
    traps: ['T20'],
    strike: (world, { name }) => {
      world.tell(`cut for good: ${name} from the store`);
      for (const [from, to] of both(name, 'store')) world.network.cut(from, to);
    },
  },
};

/** What the heal puts right: everything but what people have decided. */
export function mendEverything(world: World): void {
  world.trouble = 0;
  world.cloud.stepTrouble = 0;
  world.cloud.messageTrouble = 0;
  world.network.mendAll();
  for (const machine of world.machines) {
    const { engine, life } = machine;
    engine.defect = null;
    engine.stopMs = 0;
    engine.lagWrites = 0;
    engine.revive();
    machine.thaw();
    life?.melt();
    if (machine.powered) world.startAgent(machine);
    else world.powerOn(machine);
  }
}
