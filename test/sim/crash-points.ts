// Every plan stopped at every place: after each step and between any two calls inside it; then left alone, redriven, or
// followed by another operation. Whatever came of it, the cluster comes to rest (I17) and nothing stays locked (T50).

import type { OperationKind } from '../../core/model';
import { isTogether } from '../../core/plan';
import { plans } from '../../workflows/plans';
import { anAddress } from '../support/samples';
import { comeToRest } from './history';
import { World } from './world';

export const aftermaths = ['left alone', 'redriven', 'a switchover follows', 'the main is lost'] as const;
export type Aftermath = (typeof aftermaths)[number];

export interface CrashPoint {
  kind: OperationKind;
  step: string;
  /** Between which two of its calls; null: after the step. */
  passes: number | null;
  then: Aftermath;
}

/** Deeper than any step's first moments: what waits in a loop is the same at each turn. */
const everyPass = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

export function crashPoints(kind: OperationKind, then: Aftermath, within = everyPass): CrashPoint[] {
  const steps = plans[kind].entries.flatMap((entry) => (isTogether(entry) ? [...entry.together] : [entry]));
  return steps.flatMap(({ step }) => [null, ...within].map((passes) => ({ kind, step, passes, then })));
}

/** A cluster that needs this operation, and the operation's input. */
async function occasion(kind: OperationKind): Promise<{ world: World; input: object }> {
  const world = new World(1);
  await world.start();
  await world.clock.advance(6000);
  const main = world.main();
  if (kind === 'switchover' || !main) return { world, input: {} };
  if (kind === 'settle') {
    world.addresses.steal(anAddress(world.config), null);
    return { world, input: {} };
  }
  main.powerOff();
  world.power.set(main.config.instanceId, 'stopped');
  if (kind === 'failover') return { world, input: { force: true } };
  await world.clock.advance(30_000);
  return { world, input: { node: main.name } };
}

/** Runs one; resolves with the world at rest, rejects with the broken invariant. */
export async function crashAt({ kind, step, passes, then }: CrashPoint): Promise<World> {
  const { world, input } = await occasion(kind);
  const name = `alpha-${kind}-crashed`;
  const stop = () => {
    const execution = world.execution(name);
    if (execution && !execution.stopped) world.cloud.stop(execution);
  };
  world.cloud.beforeInvocation = (call, life) => {
    if (call.operation !== name || call.step !== step || passes === null) return;
    life.afterPasses(passes, () => {
      life.die();
      stop();
    });
  };
  world.cloud.afterInvocation = (call) => {
    if (call.operation === name && call.step === step && passes === null) stop();
  };
  void world.cloud.start(kind, name, { cluster: 'alpha', by: 'ann', ...input });
  await world.clock.advance(40_000);
  stop();
  world.cloud.beforeInvocation = () => undefined;
  await follow(world, name, then);
  await comeToRest(world);
  return world;
}

async function follow(world: World, name: string, then: Aftermath): Promise<void> {
  const execution = world.execution(name);
  if (then === 'redriven' && execution) void world.cloud.redrive(execution);
  if (then === 'a switchover follows') void world.people.order('switchover');
  const main = world.main();
  if (then === 'the main is lost' && main) {
    main.powerOff();
    world.power.set(main.config.instanceId, 'stopped');
  }
  await world.clock.advance(30_000);
  for (const machine of world.machines) if (!machine.powered) world.powerOn(machine);
}
