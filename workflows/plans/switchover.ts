// Planned move of the main role: no acknowledged write is lost, and before the transfer every step can be undone.

import type { Plan } from '../../core/plan';
import { forward, once, shortly } from './retries';

// biome-ignore format: a plan stays visible as a table
export const switchover: Plan = {
  kind: 'switchover',
  comment: 'Move the main role to a backup without losing an acknowledged write',
  entries: [
    { name: 'Check that a switchover may begin', step: 'preflight', deadlineMs: 10_000, retry: shortly },
    { name: 'Begin the operation', step: 'begin-switchover', deadlineMs: 10_000, retry: shortly },
    { name: 'Choose the candidate', step: 'choose-for-switchover', deadlineMs: 10_000, retry: shortly },
    { name: 'Withdraw the VIP', step: 'withdraw-vip', deadlineMs: 10_000, retry: shortly,
      undo: { name: 'Undo: give the VIP back', step: 'restore-vip', deadlineMs: 20_000 } },
    { name: 'Drain the main', step: 'drain', deadlineMs: 15_000, retry: once,
      undo: { name: 'Undo: reopen the main', step: 'reopen', deadlineMs: 30_000 } },
    { name: 'Wait until the candidate has everything', step: 'barrier', deadlineMs: 5_000, retry: once },
    { name: 'Transfer the lease', step: 'transfer', deadlineMs: 10_000, retry: forward, pointOfNoReturn: true },
    { name: 'Bring the new main into service', together: [
      { name: 'Promote the candidate', step: 'promote', deadlineMs: 60_000, retry: forward },
      { name: 'Move the VIP', step: 'move-vip', deadlineMs: 20_000, retry: forward },
    ] },
    { name: 'Reconfigure the backups', step: 'reconfigure', deadlineMs: 30_000, retry: forward },
    { name: 'Restart the consumers', step: 'restart', deadlineMs: 120_000, retry: forward },
    { name: 'Confirm by writing through the VIP', step: 'confirm', deadlineMs: 20_000, retry: forward },
    { name: 'End the operation', step: 'end', deadlineMs: 10_000, retry: forward },
  ],
  afterUndo: { name: 'Undo: end the operation', step: 'abort', deadlineMs: 10_000, retry: forward },
  page: { name: 'Release the lock and page a person', step: 'page', deadlineMs: 10_000, retry: forward },
};
