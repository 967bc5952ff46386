// The VIP of any kind on AWS. Each kind's client is loaded when a cluster of that kind is first met: a function that moves Elastic
// IP addresses never evaluates Route 53's. Must never hold a call longer than its client is told.

import type { Clock, LeaseStore, Vip } from '../../core/ports';
import { createVipByKind } from '../vip-by-kind';
import { type ClientOptions, createClient } from './clients';

/** How long EC2 may take to show a change, and how often to look, in ms. */
const readBack = { readBackMs: 10_000, pollMs: 100 };
/** A name server is asked twice a second, Route 53's control plane once in two. */
const spread = { askMs: 500, getChangeMs: 2000 };

export function createAwsVip(options: ClientOptions, clock: Clock, leases: Pick<LeaseStore, 'read'>): Vip {
  return createVipByKind({
    eip: async () => {
      const [{ EC2Client }, { createEipVip }, { storedEpoch }] = await Promise.all([
        import('@aws-sdk/client-ec2'),
        import('./eip-vip'),
        import('../address-vip'),
      ]);
      const epochOf = storedEpoch(leases);
      return createEipVip(createClient(EC2Client, options), { clock, epochOf, ...readBack });
    },
    route53: async () => {
      const [{ Route53Client }, { createRoute53Vip }, { createNameServers }] = await Promise.all([
        import('@aws-sdk/client-route-53'),
        import('./route53-vip'),
        import('../name-servers'),
      ]);
      const nameServers = createNameServers();
      return createRoute53Vip(createClient(Route53Client, options), { clock, nameServers, ...spread });
    },
  });
}
