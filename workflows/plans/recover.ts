// Brings a shunned or failed node back as backup: evidence first, then follow, rewind or reseed. A person asked for it.

import type { Plan } from '../../core/plan';
import { forward, shortly, untilRejoined } from './retries';

// biome-ignore format: a plan stays visible as a table
export const recover: Plan = {
  kind: 'recover',
  comment: 'Bring a shunned or failed node back as a backup of the present main',
  entries: [
    { name: 'Check that the node can come back', step: 'check-recover', deadlineMs: 10_000, retry: shortly },
    { name: 'Begin the operation', step: 'begin-recover', deadlineMs: 10_000, retry: shortly },
    { name: 'Power the node on', step: 'power-on', deadlineMs: 180_000, retry: shortly },
    { name: 'Rejoin: keep the evidence, then follow, rewind or reseed', step: 'rejoin', deadlineMs: 600_000, retry: untilRejoined },
    { name: 'Lift the shun and the hold', step: 'release', deadlineMs: 10_000, retry: forward, pointOfNoReturn: true },
    { name: 'End the operation', step: 'end', deadlineMs: 10_000, retry: forward },
  ],
  afterUndo: { name: 'Undo: end the operation', step: 'abort', deadlineMs: 10_000, retry: forward },
  page: { name: 'Release the lock and page a person', step: 'page', deadlineMs: 10_000, retry: forward },
};
