// One history: a cluster drawn from the seed, faults for a while, then the heal and the demand that it comes to rest. A person
// stands by after the heal and does what `mainstay status` tells: recovers who is shunned, seats who is right.

import { belongs } from '../../core/lineage';
import type { FenceRung } from '../../core/model';
import type { CoverageTables } from './coverage';
import { lasting, mendEverything, type Strike, strikes } from './faults';
import { createRandom } from './random';
import { InvariantBroken } from './witness';
import { World } from './world';

const faultyMs = 60_000;
/** Longer than any plan can go on trying: 49 s of waiting per step after the point of no return, and a fence of 10 minutes. */
const restMs = 1_200_000;
/** Silence 4 s, fence by power-off 2 + 3 s, positions of silent nodes 2.8 s, two promotions that fail: within a minute. */
const replacedMs = 60_000;

export interface History {
  seed: number;
  coverage: CoverageTables;
  story: string[];
  outcomes: Record<string, number>;
}

export class HistoryFailed extends Error {
  override name = 'HistoryFailed';

  constructor(
    readonly seed: number,
    readonly invariant: string,
    message: string,
    readonly faults: string[],
    readonly story: string[],
  ) {
    super(message);
  }
}

const ladders: FenceRung[][] = [
  ['demote-ack', 'self-fence', 'power-off', 'operator'],
  ['demote-ack', 'self-fence', 'power-off', 'operator'],
  ['demote-ack', 'power-off'],
  ['demote-ack', 'self-fence', 'operator'],
  ['demote-ack', 'operator'],
  ['operator'],
];

/** A cluster at rest, as this seed has it. */
async function begin(seed: number): Promise<World> {
  const draw = createRandom(seed ^ 0x5eed);
  const world = new World(seed, {
    nodes: draw.pick([2, 3, 3, 3]),
    change: {
      onStoreLoss: draw.pick(['strict', 'strict', 'failsafe']),
      fence: draw.pick(ladders),
      replication: { mode: draw.pick(['async', 'async', 'sync', 'strict']), backups: 1 },
    },
  });
  for (const machine of world.machines) machine.withoutDeadman = draw.chance(0.1);
  await world.start();
  await world.clock.advance(6000);
  world.trouble = draw.pick([0, 0, 0.01, 0.05]);
  world.cloud.stepTrouble = draw.pick([0, 0.05, 0.2]);
  world.cloud.messageTrouble = draw.pick([0, 0.2]);
  return world;
}

/** Rejects with HistoryFailed when an invariant breaks or the cluster does not come to rest. */
export async function runHistory(seed: number): Promise<History> {
  const world = await begin(seed);
  const struck: string[] = [];
  const strike = (name: string, { strike: act }: Strike, machine = world.random.pick(world.machines)) => {
    struck.push(`${(world.clock.nowMs() / 1000).toFixed(1)} s ${name} (${machine.name})`);
    world.coverage.fault(name);
    act(world, machine);
  };
  try {
    if (world.random.chance(0.15)) await loseMainForGood(world, strike);
    else await faults(world, strike);
    await heal(world);
  } catch (error) {
    if (!(error instanceof InvariantBroken)) throw error;
    throw new HistoryFailed(seed, error.id, error.message, struck, world.story);
  }
  const outcomes: Record<string, number> = {};
  for (const { kind, outcome } of world.cloud.all) {
    const name = `${kind} ${outcome?.end ?? 'stopped'}`;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  return { seed, coverage: world.coverage.tables(), story: world.story, outcomes };
}

type Striker = (name: string, strike: Strike, machine?: World['machines'][number]) => void;

/** Lets time pass; the first broken invariant ends it. */
async function pass(world: World, ms: number): Promise<void> {
  await world.clock.advance(ms);
  if (world.witness.broken) throw world.witness.broken;
}

async function faults(world: World, strike: Striker): Promise<void> {
  const names = Object.keys(strikes);
  const endMs = world.clock.nowMs() + faultyMs;
  while (world.clock.nowMs() < endMs) {
    const name = world.random.pick(names);
    strike(name, strikes[name] as Strike);
    await pass(world, world.random.between(100, world.random.pick([1000, 4000, 12_000])));
  }
}

/** One fault and nothing else: the others are well, so one of them must be main soon (I16). */
async function loseMainForGood(world: World, strike: Striker): Promise<void> {
  world.trouble = 0;
  world.cloud.stepTrouble = 0;
  const lost = world.main();
  const recorded = world.lease().synced;
  const name = world.random.pick(Object.keys(lasting));
  strike(name, lasting[name] as Strike, lost);
  await pass(world, replacedMs);
  const main = world.main();
  const { mode } = world.config.replication;
  // In strict mode whoever is left alone accepts nothing, as it was ordered to.
  const replaceable = mode === 'async' || (recorded.length > 0 && (mode === 'sync' || world.machines.length > 2));
  const stopsItself = world.config.fence.includes('self-fence') && !lost?.withoutDeadman;
  const provable = replaceable && (world.config.fence.includes('power-off') || stopsItself);
  if (provable && (main === lost || !main?.accepts || world.vipTarget() !== main)) {
    world.witness.breaks(
      'I16',
      `${lost?.name} is lost (${name}) and not replaced after ${replacedMs} ms: ${JSON.stringify(world.lease())}`,
    );
  }
  const epochs = world.lease().epoch;
  if (epochs > 2 + world.machines.length) world.witness.breaks('I16', `one failure led to epoch ${epochs}`);
  if (world.witness.broken) throw world.witness.broken;
}

async function heal(world: World): Promise<void> {
  world.tell('---- healed');
  mendEverything(world);
  await world.people.setPolicy('automatic');
  await comeToRest(world);
}

/** Nothing more goes wrong, and a person stands by: the cluster must come to rest (I17). */
export async function comeToRest(world: World): Promise<void> {
  const endMs = world.clock.nowMs() + restMs;
  while (world.clock.nowMs() < endMs) {
    await pass(world, 1000);
    if (world.isAtRest()) {
      // A late message or an old invocation may still be on its way.
      await pass(world, 5000);
      if (!world.isAtRest()) continue;
      world.witness.see('rest');
      return pass(world, 0);
    }
    await standBy(world);
  }
  world.witness.breaks('I17', `not at rest ${restMs} ms after the heal: ${JSON.stringify(world.lease())}`);
  await pass(world, 0);
}

/** What `mainstay status` tells a person to do next. */
async function standBy(world: World): Promise<void> {
  const { people, machines } = world;
  const { phase, operation, holder, shunned, pausedBy } = world.lease();
  if (phase === 'claimed' && (await people.asleep()) !== null) return void people.confirmFenced();
  if (operation !== null) return;
  // A power-off that was asked for may have come after everything else.
  for (const machine of machines) if (!machine.powered) world.powerOn(machine);
  if (phase === 'paused' && pausedBy === 'operator') return people.resume();
  // A main that hides until a backup has what it has is one all the same: bringing a backup back is what helps it.
  if (phase === 'held' && world.main()?.engine.accepts) {
    const stuck = machines.find(({ name, engine }) => name !== holder && (shunned[name] || !engine.isStreaming()));
    if (stuck) void people.order('recover', { node: stuck.name });
    return;
  }
  const { lineage, synced } = world.lease();
  const { mode } = world.config.replication;
  const nobodyLeft = !machines.some(
    ({ name, engine }) =>
      (mode === 'async' || synced.includes(name)) &&
      !shunned[name] &&
      name !== holder &&
      engine.running &&
      belongs(lineage, engine.status(), world.followedOf(name)),
  );
  if ((phase === 'claimed' || phase === 'abdicated') && nobodyLeft) await people.seat();
}
