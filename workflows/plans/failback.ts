// The role goes back to the preferred node (seed 002): a switchover that begins with a reservation, so that no third node is
// given the role in between (T61).

import type { Plan } from '../../core/plan';
import { shortly } from './retries';
import { switchover } from './switchover';

const [, , ...asInASwitchover] = switchover.entries;

export const failback: Plan = {
  ...switchover,
  kind: 'failback',
  comment: 'Give the main role back to the preferred node, which is reserved for it meanwhile',
  entries: [
    { name: 'Check that the role may go back', step: 'check-failback', deadlineMs: 10_000, retry: shortly },
    { name: 'Begin the operation and reserve the role', step: 'begin-failback', deadlineMs: 10_000, retry: shortly },
    ...asInASwitchover,
  ],
};
