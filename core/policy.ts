// Which policy a cluster has at this moment: none on record means automatic, and so does a maintenance that is over (T62). Pure. The one
// answer for all who ask: steps, sweep, command line and REST API. The time is a wall clock, because nothing safe depends on it.

import type { Policy, PolicyMode } from './model';

export interface PolicyNow {
  mode: PolicyMode;
  until: string | null;
  by: string | null;
  reason: string | null;
}

export function policyNow(policy: Policy | null, now: string): PolicyNow {
  if (policy === null) return { mode: 'automatic', until: null, by: null, reason: null };
  const { mode, until, by, reason } = policy;
  const over = mode === 'maintenance' && until !== null && until <= now;
  return over
    ? { mode: 'automatic', until: null, by, reason: `maintenance ended ${until}` }
    : { mode, until, by, reason };
}
