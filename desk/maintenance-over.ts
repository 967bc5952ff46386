// A maintenance whose time is over and that nobody has ended: failovers are automatic again (T62), and people are told, because whoever
// set it may still be at work. Told first and then written down: told twice is better than not at all. The policy is a person's and is left
// as it is.

import { attention } from '../core/attention';
import { policyNow } from '../core/policy';
import type { Events } from '../core/ports';
import { noticeSections } from '../core/runbook';
import { leaseOf } from './cluster';
import type { Desk } from './desk';
import { must } from './problems';
import { betweenMs } from './times';

/** Who has heard nothing a day later has heard of it from somebody else. */
const lateMs = 24 * 3_600_000;

/** What people were told now, or null. */
export async function tellForgottenMaintenance(desk: Desk, events: Events, cluster: string): Promise<string | null> {
  const policy = must(await desk.settings.policy(cluster));
  const at = desk.clock.wall();
  if (policy?.mode !== 'maintenance' || policy.until === null || policyNow(policy, at).mode === 'maintenance')
    return null;
  const { until, by, reason } = policy;
  if (betweenMs(until, at) > lateMs) return null;
  const since = must(await desk.journal.list(cluster, { since: until }));
  if (since.some(({ rule, details }) => rule === 'policy' && details?.maintenanceOver === until)) return null;
  const because = `the maintenance that ${by} began (${reason}) was over at ${until} and nobody has ended it: failovers are automatic again`;
  const next = `see that ${cluster} is as it should be: mainstay explain ${cluster}; then: mainstay policy ${cluster} automatic --reason …`;
  must(await events.publish(attention(cluster, { because, next, section: noticeSections.maintenance })));
  const epoch = (await leaseOf(desk, cluster))?.epoch ?? 0;
  const entry = { cluster, at, epoch, operation: null, because, details: { maintenanceOver: until } };
  must(await desk.journal.append({ ...entry, kind: 'event', actor: 'rounds', rule: 'policy' }));
  return because;
}
