// Puts in order what an execution left behind that was stopped, timed out or failed hard: takes its operation over and brings
// drain, VIP and consumers into line with the lease, whatever the other was doing. Gives way to a failover.

import type { Plan } from '../../core/plan';
import { forward, shortly } from './retries';

// biome-ignore format: a plan stays visible as a table
export const settle: Plan = {
  kind: 'settle',
  comment: 'Put in order what an abandoned operation left behind, and end it',
  entries: [
    { name: 'Check that an operation was abandoned', step: 'check-settle', deadlineMs: 10_000, retry: shortly },
    { name: 'Take the operation over', step: 'begin-settle', deadlineMs: 10_000, retry: shortly },
    { name: 'Find the main', step: 'adopt', deadlineMs: 10_000, retry: shortly },
    { name: 'Wait until it is main', step: 'promote', deadlineMs: 60_000, retry: shortly },
    { name: 'End a drain: the main accepts writes', step: 'reopen', deadlineMs: 30_000, retry: shortly },
    { name: 'Move the VIP', step: 'move-vip', deadlineMs: 20_000, retry: forward, pointOfNoReturn: true },
    { name: 'Reconfigure the backups', step: 'reconfigure', deadlineMs: 30_000, retry: forward },
    { name: 'Restart the consumers', step: 'restart', deadlineMs: 120_000, retry: forward },
    { name: 'Confirm by writing through the VIP', step: 'confirm', deadlineMs: 20_000, retry: forward },
    { name: 'End the operation', step: 'end', deadlineMs: 10_000, retry: forward },
  ],
  afterUndo: { name: 'Nobody to settle on: end the operation', step: 'abort', deadlineMs: 10_000, retry: forward },
  page: { name: 'Release the lock and page a person', step: 'page', deadlineMs: 10_000, retry: forward },
};
