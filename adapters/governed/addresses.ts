// Elastic IP addresses under the account's quotas: looks are made together, changes take turns, for EC2 has no form of them that moves
// many (T66). Must never make a change that waited without asking once more whether it is still wanted (L5).

import type { Importance } from '../../core/fleet';
import { fail, ok } from '../../core/result';
import { type Addresses, type Association, type Guard, unknownAddress } from '../address-vip';
import type { Governor } from './governor';
import { type Batch, inGroup } from './group';

/** What one DescribeAddresses is asked for. */
const mostLooks = 200;

export function governedAddresses(governor: Governor, addresses: Addresses, importance: Importance): Addresses {
  const looks: Batch<string, Association | 'nowhere' | 'unknown'> = {
    api: 'ec2:DescribeAddresses',
    lane: 'ec2:DescribeAddresses',
    most: mostLooks,
    atOnce: 2,
    call: async (ids) => {
      const found = await addresses.describeMany(ids);
      if (!found.ok) return found;
      return ok(ids.map((id) => (found.value.has(id) ? (found.value.get(id) ?? 'nowhere') : 'unknown')));
    },
  };
  const stillWanted = async (waited: boolean, again?: Guard) => (waited && again ? again() : ok(undefined));
  return {
    describe: async (id) => {
      const seen = await inGroup(governor, looks, importance, id);
      if (!seen.ok) return seen;
      if (seen.value === 'unknown') return fail(unknownAddress(id));
      return ok(seen.value === 'nowhere' ? null : seen.value);
    },
    describeMany: (ids) => governor.turn('ec2:DescribeAddresses', importance, () => addresses.describeMany(ids)),
    associate: (id, target, again) =>
      governor.turn('ec2:AssociateAddress', importance, async (waited) => {
        const wanted = await stillWanted(waited, again);
        return wanted.ok ? addresses.associate(id, target, again) : wanted;
      }),
    disassociate: (id, again) =>
      governor.turn('ec2:DisassociateAddress', importance, async (waited) => {
        const wanted = await stillWanted(waited, again);
        return wanted.ok ? addresses.disassociate(id, again) : wanted;
      }),
  };
}
