// How often a step is tried again on Retry.* and on Lambda's own faults, each with its arithmetic.

import type { Retry } from '../../core/plan';

/** Before the point of no return: 3 more tries within about 1 + 1.5 + 2.25 = 5 s, then undo. */
export const shortly: Retry = { times: 3, everyMs: 1000, backoff: 1.5 };

/** A step whose time counts against the write gap: one more try after 1 s, then undo. */
export const once: Retry = { times: 1, everyMs: 1000, backoff: 1 };

/** After the point of no return there is only forward: 8 more tries, 1 s x 1.5^n, about 49 s of waiting, then a person. */
export const forward: Retry = { times: 8, everyMs: 1000, backoff: 1.5 };

/** A reseed copies everything: 36 waits of 10 minutes are 6 hours. */
export const untilRejoined: Retry = { times: 36, everyMs: 1000, backoff: 1 };

/**
 * On Retry.Queued, beside a step's own retry: AWS's quota is used up, and everybody's turn comes (T66). Each try waits 6 s in line by
 * itself and 1 s until the next, so 200 tries are 23 minutes: 7,000 calls at 5 per second.
 */
export const inLine: Retry = { times: 200, everyMs: 1000, backoff: 1 };
