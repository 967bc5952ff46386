// Unplanned move: the main is lost. Nobody is promoted before the fence is PROVEN; from the claim on only forward.

import type { Plan } from '../../core/plan';
import { forward, shortly } from './retries';

// biome-ignore format: a plan stays visible as a table
export const failover: Plan = {
  kind: 'failover',
  comment: 'Replace a lost main: claim, fence until proven, promote the most advanced survivor',
  entries: [
    { name: 'Verify that the main is gone', step: 'verify', deadlineMs: 30_000, retry: shortly },
    { name: 'Claim the lease', step: 'claim', deadlineMs: 10_000, retry: forward, pointOfNoReturn: true },
    { name: 'Fence the old main until proven', step: 'fence', deadlineMs: 600_000, retry: forward,
      ask: { name: 'Wait for a person: is the old main stopped?', step: 'ask-operator', deadlineMs: 20_000, retry: forward, waitMs: 86_400_000 } },
    { name: 'Choose the candidate', step: 'choose-after-fence', deadlineMs: 10_000, retry: forward },
    { name: 'Grant the lease', step: 'grant', deadlineMs: 10_000, retry: forward },
    { name: 'Bring the new main into service', together: [
      { name: 'Promote the candidate', step: 'promote', deadlineMs: 60_000, retry: forward, elseFrom: 'Claim the lease' },
      { name: 'Move the VIP', step: 'move-vip', deadlineMs: 20_000, retry: forward },
    ] },
    { name: 'Reconfigure the backups', step: 'reconfigure', deadlineMs: 30_000, retry: forward },
    { name: 'Restart the consumers', step: 'restart', deadlineMs: 120_000, retry: forward },
    { name: 'Confirm by writing through the VIP', step: 'confirm', deadlineMs: 20_000, retry: forward },
    { name: 'End the operation', step: 'end', deadlineMs: 10_000, retry: forward },
  ],
  afterUndo: { name: 'Nothing to undo', step: 'abort', deadlineMs: 10_000, retry: forward },
  page: { name: 'Release the lock and page a person', step: 'page', deadlineMs: 10_000, retry: forward },
};
