// The VIP as an address that is associated with one node. Port: Vip. EC2 has no compare-and-swap for it, so the guard is threefold: the caller has just
// checked the epoch, an association is ended by its own id and begun only where there is none, and nothing is said to be
// done before it was read back (T43, T47, T48). Must never take the address from anybody but the expected holder.
//
//   move db1 -> db2   describe: db1 ── end that association ── read back: nowhere ── associate ── read back: db2
//   late old caller   describe: db2, expected db0 ── Refused, with db2 in the details
//   late by a hair    describe: nowhere ─────────── (db3 is given it) ── associate ── EC2 refuses ── Refused: db3
//
// Works over `Addresses`: EC2 (aws/eip-vip.ts), or memory with EC2's semantics, so a simulation runs this very algorithm.

import type { OutsideProblem } from '../core/errors';
import type { ClusterConfig, NodeName } from '../core/model';
import type { Clock, Outside, Vip } from '../core/ports';
import { fail, ok } from '../core/result';
import { broken, refused, unreachable } from './problems';

export interface Association {
  associationId: string;
  /** null: it points at something that is no instance. */
  instanceId: string | null;
  networkInterfaceId: string | null;
}

export interface Addresses {
  /** Where the address points to, null when nowhere. Eventually consistent. */
  describe(allocationId: string): Outside<Association | null>;
  /** Refused when it is associated with anything. */
  associate(allocationId: string, instanceId: string): Outside<void>;
  /** Ends this one association. Idempotent: an association that is over stays over. */
  disassociate(associationId: string): Outside<void>;
}

export interface VipOptions {
  clock: Clock;
  /** How long a change may take to be seen when it is read back, in ms. */
  readBackMs: number;
  /** Between two reads, in ms. */
  pollMs: number;
}

interface Place {
  node: NodeName | null;
  association: Association | null;
}

interface World extends VipOptions {
  addresses: Addresses;
}

async function locate({ addresses }: World, config: ClusterConfig): Outside<Place> {
  const found = await addresses.describe(config.vip.allocationId);
  if (!found.ok) return found;
  const association = found.value;
  if (association === null) return ok({ node: null, association });
  const owner = config.nodes.find(({ instanceId }) => instanceId === association.instanceId);
  return owner ? ok({ node: owner.name, association }) : fail(foreign(config, association));
}

function foreign(config: ClusterConfig, association: Association): OutsideProblem {
  const target = association.instanceId ?? association.networkInterfaceId ?? 'something that is no instance';
  return refused(
    `the VIP ${config.vip.host} points to ${target}, which is no node of ${config.name}`,
    'find out who associated it; disassociate it by hand or correct the configuration',
    { holder: null, allocationId: config.vip.allocationId, ...association },
  );
}

const heldBy = (config: ClusterConfig, holder: NodeName | null, expected: NodeName | null): OutsideProblem =>
  refused(
    `the VIP ${config.vip.host} is at ${holder ?? 'nobody'}, not at ${expected ?? 'nobody'} as expected`,
    'read the lease again: an older caller must not take the VIP from a newer holder',
    { holder, expected, allocationId: config.vip.allocationId },
  );

/** Waits until the VIP is seen at `wanted`; meanwhile EC2 may still show one of `passing`, but nobody else. */
async function readBack(
  world: World,
  config: ClusterConfig,
  wanted: NodeName | null,
  passing: readonly (NodeName | null)[],
): Outside<void> {
  const { clock, readBackMs, pollMs } = world;
  const endMs = clock.nowMs() + readBackMs;
  for (;;) {
    const seen = await locate(world, config);
    if (!seen.ok && seen.error.code !== 'Unreachable') return seen;
    if (seen.ok && seen.value.node === wanted) return ok(undefined);
    if (seen.ok && !passing.includes(seen.value.node)) return fail(heldBy(config, seen.value.node, wanted));
    if (clock.nowMs() >= endMs) return seen.ok ? fail(notSeen(config, wanted, seen.value.node, readBackMs)) : seen;
    await clock.sleep(pollMs);
  }
}

/** T47: what nobody can see has not been done. */
const notSeen = (config: ClusterConfig, wanted: NodeName | null, holder: NodeName | null, boundMs: number) =>
  unreachable(
    `EC2 still shows the VIP ${config.vip.host} at ${holder ?? 'nobody'} ${boundMs} ms after it was sent to ${wanted ?? 'nobody'}`,
    'run the step again',
    { holder, wanted },
  );

/** Ends the association that was seen, and no other: if the VIP moved meanwhile, this id is over already. */
async function end(world: World, config: ClusterConfig, { node, association }: Place): Outside<void> {
  if (association === null) return ok(undefined);
  const ended = await world.addresses.disassociate(association.associationId);
  // A lost reply is settled by looking; every other problem is the answer.
  if (!ended.ok && ended.error.code !== 'Unreachable') return ended;
  const seen = await readBack(world, config, null, [node]);
  return ended.ok || seen.ok || seen.error.code !== 'Unreachable' ? seen : ended;
}

async function begin(world: World, config: ClusterConfig, from: NodeName | null, to: NodeName): Outside<void> {
  const instanceId = config.nodes.find(({ name }) => name === to)?.instanceId;
  if (!instanceId) return fail(broken(`${config.name} has no node ${to}`, 'correct the configuration', { to }));
  const given = await world.addresses.associate(config.vip.allocationId, instanceId);
  if (given.ok) return readBack(world, config, to, [null, from]);
  if (given.error.code === 'Unreachable') {
    const seen = await readBack(world, config, to, [null, from]);
    return seen.ok || seen.error.code !== 'Unreachable' ? seen : given;
  }
  return given.error.code === 'Refused' ? afterRefusal(world, config, to, given.error) : fail(given.error);
}

/** EC2 said no: either our own earlier attempt stands there already, or somebody else was faster. */
async function afterRefusal(world: World, config: ClusterConfig, to: NodeName, problem: OutsideProblem): Outside<void> {
  const seen = await locate(world, config);
  if (!seen.ok) return seen;
  if (seen.value.node === to) return ok(undefined);
  if (seen.value.node === null) return fail(problem);
  return fail(heldBy(config, seen.value.node, null));
}

async function withdraw(world: World, config: ClusterConfig, from: NodeName | null): Outside<void> {
  const place = await locate(world, config);
  if (!place.ok) return place;
  if (place.value.node === null) return ok(undefined);
  if (place.value.node !== from) return fail(heldBy(config, place.value.node, from));
  return end(world, config, place.value);
}

async function move(world: World, config: ClusterConfig, from: NodeName | null, to: NodeName): Outside<void> {
  const place = await locate(world, config);
  if (!place.ok) return place;
  const { node } = place.value;
  if (node === to) return ok(undefined);
  if (node !== null && node !== from) return fail(heldBy(config, node, from));
  const ended = await end(world, config, place.value);
  return ended.ok ? begin(world, config, from, to) : ended;
}

export function createVip(addresses: Addresses, options: VipOptions): Vip {
  const world = { addresses, ...options };
  return {
    read: async (config) => {
      const place = await locate(world, config);
      return place.ok ? ok(place.value.node) : place;
    },
    withdraw: (config, from) => withdraw(world, config, from),
    move: (config, from, to) => move(world, config, from, to),
  };
}
