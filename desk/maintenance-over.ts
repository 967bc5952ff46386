// A maintenance whose time is over and that nobody has ended: failovers are automatic again (T62), and people are told, because whoever
// set it may still be at work. Told first and then written: told twice is better than not at all.

import { attention } from '../core/attention';
import type { Policy } from '../core/model';
import { policyNow } from '../core/policy';
import type { Events } from '../core/ports';
import { noticeSections } from '../core/runbook';
import { leaseOf } from './cluster';
import type { Desk } from './desk';
import { policySwapped } from './policy';
import { must } from './problems';

/** What was done, or null. */
export async function endForgottenMaintenance(desk: Desk, events: Events, cluster: string): Promise<string | null> {
  const was = must(await desk.settings.policy(cluster));
  const at = desk.clock.wall();
  if (was?.mode !== 'maintenance' || policyNow(was, at).mode === 'maintenance') return null;
  const because = `the maintenance that ${was.by} began (${was.reason}) was over at ${was.until} and nobody has ended it: failovers are automatic again`;
  const next = `see that ${cluster} is as it should be: mainstay explain ${cluster}`;
  must(await events.publish(attention(cluster, { because, next, section: noticeSections.maintenance })));
  const automatic: Policy = {
    mode: 'automatic',
    until: null,
    by: 'mainstay',
    reason: `maintenance ended ${was.until}`,
    at,
  };
  // Somebody was faster: it is theirs.
  if (!(await policySwapped(desk, cluster, was, automatic))) return null;
  const epoch = (await leaseOf(desk, cluster))?.epoch ?? 0;
  must(
    await desk.journal.append({
      ...{ cluster, at, kind: 'event', actor: 'rounds', epoch, operation: null, rule: 'policy', because },
    }),
  );
  return because;
}
