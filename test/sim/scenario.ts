// What every named scenario begins with: a cluster at rest without faults, and a few orders. Assertions are Node's own, because
// `npm run sim -- --scenario` runs them as well as the tests.

import assert from 'node:assert/strict';
import type { OperationKind } from '../../core/model';
import type { Outcome } from '../../workflows/interpreter';
import type { Machine } from './machine';
import { World, type WorldOptions } from './world';

/** Gives the world that it ended in. */
export type Scenario = () => Promise<World>;

/** Seated, everybody following, nothing going wrong. */
export async function atRest(options?: WorldOptions): Promise<World> {
  const world = new World(1, options);
  await world.start();
  await world.clock.advance(6000);
  assert.ok(world.isAtRest(), 'the cluster is at rest before anything happens');
  return world;
}

export function main(world: World): Machine {
  const found = world.main();
  assert.ok(found, 'somebody holds the lease');
  return found;
}

export const backups = (world: World): Machine[] => world.machines.filter((machine) => machine !== world.main());

export function backup(world: World): Machine {
  const [first] = backups(world);
  assert.ok(first, 'there is a backup');
  return first;
}

/** Starts an operation by a person and lets time pass until it has ended. */
export async function ordered(world: World, kind: OperationKind, input: object = {}): Promise<Outcome> {
  const outcome = world.people.order(kind, input);
  assert.ok(outcome, 'the name of the execution is free');
  return world.clock.until(outcome, 1_200_000);
}

export function pullPlug(world: World, machine: Machine): void {
  machine.powerOff();
  world.power.set(machine.config.instanceId, 'stopped');
}

/** Cuts both directions. */
export function cut(world: World, one: string, ...others: string[]): void {
  for (const other of others) {
    world.network.cut(one, other);
    world.network.cut(other, one);
  }
}

export const writable = (world: World): string[] =>
  world.machines.filter(({ accepts }) => accepts).map(({ name }) => name);

/** The kinds of executions that were started, in order. */
export const startedKinds = (world: World): OperationKind[] => world.cloud.all.map(({ kind }) => kind);

/** Nothing happened that an operator would call an operation, and the same node serves at the same epoch. */
export function nothingHappened(world: World, before: { epoch: number; holder: string | null }): void {
  const { epoch, holder, phase } = world.lease();
  assert.deepEqual({ epoch, holder, phase }, { ...before, phase: 'held' });
  assert.deepEqual(startedKinds(world), []);
}
