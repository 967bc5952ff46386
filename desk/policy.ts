// Replacing a cluster's policy: only in the place of what was read, and with an entry in the journal that says from what to what, and why.
// Must never write over a policy that nobody here has seen.

import { vacantLease } from '../core/lease';
import type { Lease, Policy } from '../core/model';
import { leaseOf } from './cluster';
import type { Desk } from './desk';
import { must } from './problems';
import type { ActOfAPerson } from './record';

/** False: somebody has changed it meanwhile, and it is as they left it. */
export async function policySwapped(desk: Desk, cluster: string, was: Policy | null, wanted: Policy): Promise<boolean> {
  const swapped = await desk.settings.swapPolicy(cluster, was, wanted);
  if (!swapped.ok && swapped.error.code === 'Refused') return false;
  must(swapped);
  return true;
}

/** What the journal is told, and beside which lease. */
export async function policyAct(
  desk: Desk,
  cluster: string,
  was: Policy | null,
  { mode, until, by, reason }: Policy,
): Promise<{ lease: Lease; act: ActOfAPerson }> {
  const lease = (await leaseOf(desk, cluster)) ?? vacantLease(cluster, 0);
  const end = until ? ` until ${until}` : '';
  return {
    lease,
    act: { by, rule: 'policy', because: `policy ${was?.mode ?? 'automatic'} -> ${mode}${end}: ${reason}` },
  };
}
