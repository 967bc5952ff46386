// Records in Route 53 by themselves, for a function that looks at them and never meets an address: its bundle has no EC2 in it.
// The client is loaded when it is first needed. Must never hold a call longer than its client is told.

import type { Clock, Vip } from '../../core/ports';
import type { Governor } from '../governed/governor';
import { byImportance } from '../governed/vip';
import { governedZone } from '../governed/zone';
import { type ClientOptions, createClient } from './clients';

/** A name server is asked twice a second, Route 53's control plane once in two. */
const spread = { askMs: 500, getChangeMs: 2000 };

export async function loadRoute53Vip(options: ClientOptions, clock: Clock, governor?: Governor): Promise<Vip> {
  const [{ Route53Client }, { createRoute53Zone }, { createRecordVip }, { createNameServers }] = await Promise.all([
    import('@aws-sdk/client-route-53'),
    import('./route53-vip'),
    import('../record-vip'),
    import('../name-servers'),
  ]);
  const zone = createRoute53Zone(createClient(Route53Client, options));
  const given = { clock, nameServers: createNameServers(), ...spread };
  return governor
    ? byImportance((importance) => createRecordVip(governedZone(governor, zone, importance), given))
    : createRecordVip(zone, given);
}
