// Records in Route 53 by themselves, for a function that looks at them and never meets an address: its bundle has no EC2 in it.
// The client is loaded when it is first needed. Must never hold a call longer than its client is told.

import type { Clock, Vip } from '../../core/ports';
import { type ClientOptions, createClient } from './clients';

/** A name server is asked twice a second, Route 53's control plane once in two. */
const spread = { askMs: 500, getChangeMs: 2000 };

export async function loadRoute53Vip(options: ClientOptions, clock: Clock): Promise<Vip> {
  const [{ Route53Client }, { createRoute53Vip }, { createNameServers }] = await Promise.all([
    import('@aws-sdk/client-route-53'),
    import('./route53-vip'),
    import('../name-servers'),
  ]);
  return createRoute53Vip(createClient(Route53Client, options), {
    clock,
    nameServers: createNameServers(),
    ...spread,
  });
}
