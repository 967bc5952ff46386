// The first read of the lease, before the agent's loop: connections and credentials of a new process are cold, and a first read that misses
// its tight bound would have the loop stop an engine that it knows no lease of (R10). Decides nothing: the loop reads for itself.

import type { Clock, LeaseStore } from '../core/ports';

/** Longer than a store that is there needs for a cold client; what is away for longer is the loop's business. */
const PATIENCE_MS = 5_000;
const AGAIN_MS = 20;

/** Reads through the very store that the loop will use, until it answers. Whether it did. */
export async function warmUp(store: Pick<LeaseStore, 'read'>, cluster: string, clock: Clock): Promise<boolean> {
  const endMs = clock.nowMs() + PATIENCE_MS;
  while (clock.nowMs() < endMs) {
    if ((await store.read(cluster)).ok) return true;
    await clock.sleep(AGAIN_MS);
  }
  return false;
}
