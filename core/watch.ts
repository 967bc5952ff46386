// What a contender remembers of the lease: since when it has seen the same (epoch, renewals), on its own clock (L3).
// Pure. A failed read starts the count again (T23); so does any change of the lease.

import type { Lease } from './model';

export interface Watch {
  epoch: number;
  renewals: number;
  /** Own monotonic clock, taken after the first read that showed this value returned, in ms. */
  sinceMs: number;
  lastMs: number;
}

/**
 * After a read: the count goes on only if nothing moved, and only if this contender was awake: one that has not looked for
 * longer than `maxGapMs` cannot tell a silent holder from a store that was away for everybody (T5, T26).
 */
export function watched(
  watch: Watch | null,
  lease: Lease | null,
  returnedAtMs: number,
  maxGapMs: number,
): Watch | null {
  if (lease === null) return null;
  const awake = watch !== null && returnedAtMs - watch.lastMs <= maxGapMs;
  const same = awake && watch.epoch === lease.epoch && watch.renewals === lease.renewals;
  return {
    epoch: lease.epoch,
    renewals: lease.renewals,
    sinceMs: same ? watch.sinceMs : returnedAtMs,
    lastMs: returnedAtMs,
  };
}

/** How long the lease is known to have been silent, in ms: between two reads that succeeded, never up to now. */
export const silentMs = (watch: Watch | null): number => (watch === null ? 0 : watch.lastMs - watch.sinceMs);
