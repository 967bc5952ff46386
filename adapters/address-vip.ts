// The VIP as an address that is associated with one node. Port: Vip. EC2 has no compare-and-swap for it, so the guard is fourfold: the
// epoch is read just before every change, an association is ended by its own id and begun only where there is none, and nothing
// is said to be done before it was read back (T43, T47, T48). Must never take the address from anybody but the expected holder.
//
//   move db1 -> db2   describe: db1 ── end that association ── read back: nowhere ── associate ── read back: db2
//   late old caller   describe: db2, expected db0 ── Refused, with db2 in the details
//   late by a hair    describe: nowhere ─────────── (db3 is given it) ── associate ── EC2 refuses ── Refused: db3
//
// Works over `Addresses`: EC2 (aws/eip-vip.ts), or memory with EC2's semantics, so a simulation runs this very algorithm.

import { assert } from '../core/assert';
import type { OutsideProblem } from '../core/errors';
import { isThrottled } from '../core/fleet';
import type { ClusterConfig, EipVipConfig, NodeConfig, NodeName } from '../core/model';
import type { Clock, LeaseStore, Outside, Vip, VipMoved } from '../core/ports';
import { fail, ok, type Result } from '../core/result';
import { broken, refused, unreachable } from './problems';

export interface Association {
  associationId: string;
  /** null: it points at something that is no instance. */
  instanceId: string | null;
  networkInterfaceId: string | null;
}

/** An instance with one interface is named by itself, any other by the interface: EC2 wants one of the two. */
export type AddressTarget = Pick<NodeConfig, 'instanceId' | 'networkInterfaceId'>;

/** Has been asked just before the call; whoever keeps the call waiting asks again just before it is made (L5). */
export type Guard = () => Outside<void>;

export interface Addresses {
  /** Where the address points to, null when nowhere. Eventually consistent. */
  describe(allocationId: string): Outside<Association | null>;
  /** The same for many, by allocation id; one that does not exist is left out. */
  describeMany(allocationIds: readonly string[]): Outside<Map<string, Association | null>>;
  /** Refused when it is associated with anything. */
  associate(allocationId: string, target: AddressTarget, again?: Guard): Outside<void>;
  /** Ends this one association. Idempotent: an association that is over stays over. */
  disassociate(associationId: string, again?: Guard): Outside<void>;
}

export interface VipOptions {
  clock: Clock;
  /** How long a change may take to be seen when it is read back, in ms. */
  readBackMs: number;
  /** Between two reads, in ms. */
  pollMs: number;
  /** The epoch that is stored for a cluster, strongly consistent: an address has no room for it. */
  epochOf: (cluster: string) => Outside<number>;
}

/** An address has no room for an epoch: the lease has it. Nobody was ever main: 0. */
export const storedEpoch = (leases: Pick<LeaseStore, 'read'>) => async (cluster: string) => {
  const lease = await leases.read(cluster);
  return lease.ok ? ok(lease.value?.epoch ?? 0) : lease;
};

interface Place {
  node: NodeName | null;
  association: Association | null;
}

interface World extends VipOptions {
  addresses: Addresses;
}

function addressOf({ vip }: ClusterConfig): EipVipConfig {
  assert(vip.kind === 'eip', `this adapter is given addresses only, not ${vip.kind}`);
  return vip;
}

async function locate({ addresses }: World, config: ClusterConfig): Outside<Place> {
  const found = await addresses.describe(addressOf(config).allocationId);
  return found.ok ? placeOf(config, found.value) : found;
}

function placeOf(config: ClusterConfig, association: Association | null): Result<Place, OutsideProblem> {
  if (association === null) return ok({ node: null, association });
  const owner = config.nodes.find(({ instanceId, networkInterfaceId }) =>
    networkInterfaceId === undefined
      ? instanceId === association.instanceId
      : networkInterfaceId === association.networkInterfaceId,
  );
  return owner ? ok({ node: owner.name, association }) : fail(foreign(config, association));
}

function foreign(config: ClusterConfig, association: Association): OutsideProblem {
  const { instanceId, networkInterfaceId } = association;
  const target = [instanceId, networkInterfaceId].filter(Boolean).join(', ') || 'something that is no instance';
  return refused(
    `the VIP ${config.vip.host} points to ${target}, which is no node of ${config.name}`,
    'find out who associated it; disassociate it by hand or correct the configuration',
    { holder: null, allocationId: addressOf(config).allocationId, ...association },
  );
}

const heldBy = (config: ClusterConfig, holder: NodeName | null, expected: NodeName | null): OutsideProblem =>
  refused(
    `the VIP ${config.vip.host} is at ${holder ?? 'nobody'}, not at ${expected ?? 'nobody'} as expected`,
    'read the lease again: an older caller must not take the VIP from a newer holder',
    { holder, expected, allocationId: addressOf(config).allocationId },
  );

/** Just before a change, because EC2 would not know a late caller from the present one (L5, T48). */
async function requireEpoch({ epochOf }: World, config: ClusterConfig, epoch: number): Outside<void> {
  const stored = await epochOf(config.name);
  if (!stored.ok) return stored;
  if (epoch >= stored.value) return ok(undefined);
  return fail(
    refused(
      `epoch ${epoch} is over: ${config.name} is at epoch ${stored.value}, and the VIP ${config.vip.host} is left alone`,
      `nothing more is touched: see mainstay status ${config.name}`,
      { epoch: stored.value, allocationId: addressOf(config).allocationId },
    ),
  );
}

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

/** A call that a quota has stopped was not made: there is nothing to look for, and looking is a call, too (T66). */
const mayHaveHappened = (problem: OutsideProblem): boolean => problem.code === 'Unreachable' && !isThrottled(problem);

/** Ends the association that was seen, and no other: if the VIP moved meanwhile, this id is over already. */
async function end(world: World, config: ClusterConfig, { node, association }: Place, epoch: number): Outside<void> {
  if (association === null) return ok(undefined);
  const guard = () => requireEpoch(world, config, epoch);
  const present = await guard();
  if (!present.ok) return present;
  const ended = await world.addresses.disassociate(association.associationId, guard);
  // A lost reply is settled by looking; every other problem is the answer.
  if (!ended.ok && !mayHaveHappened(ended.error)) return ended;
  const seen = await readBack(world, config, null, [node]);
  return ended.ok || seen.ok || seen.error.code !== 'Unreachable' ? seen : ended;
}

async function begin(
  world: World,
  config: ClusterConfig,
  from: NodeName | null,
  to: NodeName,
  epoch: number,
): Outside<void> {
  const target = config.nodes.find(({ name }) => name === to);
  if (!target) return fail(broken(`${config.name} has no node ${to}`, 'correct the configuration', { to }));
  const guard = () => requireEpoch(world, config, epoch);
  const present = await guard();
  if (!present.ok) return present;
  const given = await world.addresses.associate(addressOf(config).allocationId, target, guard);
  if (given.ok) return readBack(world, config, to, [null, from]);
  if (mayHaveHappened(given.error)) {
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

async function withdraw(world: World, config: ClusterConfig, from: NodeName | null, epoch: number): Outside<void> {
  const place = await locate(world, config);
  if (!place.ok) return place;
  if (place.value.node === null) return ok(undefined);
  if (place.value.node !== from) return fail(heldBy(config, place.value.node, from));
  return end(world, config, place.value, epoch);
}

async function move(
  world: World,
  config: ClusterConfig,
  from: NodeName | null,
  to: NodeName,
  epoch: number,
): Outside<VipMoved> {
  const place = await locate(world, config);
  if (!place.ok) return place;
  const { node } = place.value;
  if (node === to) return ok({ change: null });
  if (node !== null && node !== from) return fail(heldBy(config, node, from));
  const ended = await end(world, config, place.value, epoch);
  if (!ended.ok) return ended;
  const begun = await begin(world, config, from, to, epoch);
  return begun.ok ? ok({ change: null }) : begun;
}

async function readMany(world: World, configs: readonly ClusterConfig[]) {
  const found = await world.addresses.describeMany(configs.map((config) => addressOf(config).allocationId));
  const judged = (config: ClusterConfig): Result<NodeName | null, OutsideProblem> => {
    if (!found.ok) return found;
    const association = found.value.get(addressOf(config).allocationId);
    if (association === undefined) return fail(unknownAddress(addressOf(config).allocationId));
    const place = placeOf(config, association);
    return place.ok ? ok(place.value.node) : place;
  };
  return new Map(configs.map((config) => [config.name, judged(config)]));
}

export const unknownAddress = (allocationId: string): OutsideProblem =>
  broken(`there is no address ${allocationId}`, 'correct vip.allocationId in the configuration', { allocationId });

export function createVip(addresses: Addresses, options: VipOptions): Vip {
  const world = { addresses, ...options };
  return {
    read: async (config) => {
      const place = await locate(world, config);
      return place.ok ? ok(place.value.node) : place;
    },
    readMany: (configs) => readMany(world, configs),
    withdraw: (config, from, epoch) => withdraw(world, config, from, epoch),
    move: (config, from, to, epoch) => move(world, config, from, to, epoch),
    // It was read back, and no cache stands between the address and its clients.
    verify: async () => ok(null),
  };
}
