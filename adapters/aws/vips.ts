// The VIP of any kind on AWS. Each kind's client is loaded when a cluster of that kind is first met: a function that moves Elastic
// IP addresses never evaluates Route 53's. Must never hold a call longer than its client is told.

import type { Clock, LeaseStore, Vip } from '../../core/ports';
import { governedAddresses } from '../governed/addresses';
import type { Governor } from '../governed/governor';
import { byImportance } from '../governed/vip';
import { createVipByKind } from '../vip-by-kind';
import { type ClientOptions, createClient } from './clients';
import { loadRoute53Vip } from './record-vips';

/** How long EC2 may take to show a change, and how often to look, in ms. */
const readBack = { readBackMs: 10_000, pollMs: 100 };

/** Without a governor, as for a person at the command line, calls go straight to AWS, and the SDK tries again. */
export function createAwsVip(
  options: ClientOptions,
  clock: Clock,
  leases: Pick<LeaseStore, 'read'>,
  governor?: Governor,
): Vip {
  return createVipByKind({
    eip: async () => {
      const [{ EC2Client }, { createEc2Addresses }, { createVip, storedEpoch }] = await Promise.all([
        import('@aws-sdk/client-ec2'),
        import('./eip-vip'),
        import('../address-vip'),
      ]);
      const addresses = createEc2Addresses(createClient(EC2Client, options));
      const given = { clock, epochOf: storedEpoch(leases), ...readBack };
      return governor
        ? byImportance((importance) => createVip(governedAddresses(governor, addresses, importance), given))
        : createVip(addresses, given);
    },
    route53: () => loadRoute53Vip(options, clock, governor),
  });
}
