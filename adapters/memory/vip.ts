// The VIP in memory: addresses with EC2's semantics (no re-association, association ids that are used once) under the very
// algorithm that runs against EC2 (address-vip.ts). Faults strike its single calls, between which others may step in.

import type { Clock, LeaseStore, Vip } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { type Addresses, type Association, createVip, storedEpoch, unknownAddress } from '../address-vip';
import { refused } from '../problems';
import { type Faults, withFaults } from './faults';

export interface MemoryAddresses extends Addresses {
  /** What a person or another program does: re-associates without asking. */
  steal(allocationId: string, instanceId: string | null): void;
  /** Where it really points to, without faults. */
  target(allocationId: string): string | null;
}

export interface MemoryAddressesOptions {
  allocationIds: readonly string[];
  faults?: Faults;
  onChange?: (allocationId: string, instanceId: string | null) => void;
}

export function createMemoryAddresses({ allocationIds, faults, onChange }: MemoryAddressesOptions): MemoryAddresses {
  const held = new Map<string, Association | null>(allocationIds.map((id) => [id, null]));
  let associations = 0;
  const set = (allocationId: string, instanceId: string | null, networkInterfaceId: string | null = null) => {
    associations += 1;
    const association = { associationId: `eipassoc-${associations}`, instanceId, networkInterfaceId };
    held.set(allocationId, instanceId === null ? null : association);
    onChange?.(allocationId, instanceId);
  };
  const unknown = (id: string) => fail(unknownAddress(id));

  const addresses: Addresses = {
    describe: async (id) => {
      const association = held.get(id);
      return association === undefined ? unknown(id) : ok(structuredClone(association));
    },
    describeMany: async (ids) =>
      ok(new Map(ids.flatMap((id) => (held.has(id) ? [[id, structuredClone(held.get(id) ?? null)]] : [])))),
    associate: async (id, { instanceId, networkInterfaceId }) => {
      const association = held.get(id);
      if (association === undefined) return unknown(id);
      if (association)
        return fail(refused(`Resource.AlreadyAssociated: ${id}`, 'read what is there now', { ...association }));
      return ok(set(id, instanceId, networkInterfaceId));
    },
    disassociate: async (associationId) => {
      const [id] = [...held].find(([, association]) => association?.associationId === associationId) ?? [];
      return ok(id === undefined ? undefined : set(id, null));
    },
  };
  return {
    ...withFaults('Addresses', addresses, faults),
    steal: (id, instanceId) => set(id, instanceId),
    target: (id) => held.get(id)?.instanceId ?? null,
  };
}

/** How long EC2 may take to show a change, and how often to look, in ms. */
const readBack = { readBackMs: 2000, pollMs: 100 };

export const createMemoryVip = (addresses: Addresses, clock: Clock, leases: Pick<LeaseStore, 'read'>): Vip =>
  createVip(addresses, { clock, epochOf: storedEpoch(leases), ...readBack });
