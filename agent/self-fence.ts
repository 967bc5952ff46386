// The loop's own layer of L2: at the end of the promise the engine is stopped, even while a request to the store hangs.
// The deadman (deadman.ts) covers what this cannot: an agent that is dead, stuck or frozen. The gate, which needs no process at
// all, has shut the engine's ports by then; shutting it here cuts the sessions as well.

import type { Gate } from '../core/gate';
import type { EngineStatus } from '../core/model';
import type { Clock, EngineDriver } from '../core/ports';
import type { LeaseKeeper } from './lease-keeper';

/** Well below the shortest promise that the timing inequality allows. */
const IDLE_LOOK_MS = 200;

export interface SelfFence {
  stop(): void;
}

/** A holder's engine that runs and does not answer may still be acknowledging writes; another's may be starting up. */
const mayWrite = ({ running, writable, received }: EngineStatus, holder: boolean): boolean =>
  writable || (holder && running && received === null);

/** Looks at the end of each promise; `fenced` hears about every stop. */
export function startSelfFence(
  { clock, keeper, driver, gate }: { clock: Clock; keeper: LeaseKeeper; driver: EngineDriver; gate: Gate },
  fenced: (problem: string | null) => void,
): SelfFence {
  let stopped = false;
  const watchOnce = async (): Promise<void> => {
    const endsAtMs = keeper.promiseEndsAtMs();
    const leftMs = endsAtMs === null ? null : endsAtMs - clock.nowMs();
    if (leftMs !== null && leftMs <= 0 && mayWrite(await driver.status(), keeper.holdsIt)) {
      // Looked at again: a renewal may have come in while the engine was asked.
      if ((keeper.promiseEndsAtMs() ?? 0) <= clock.nowMs()) {
        const shut = gate.shut();
        const done = await driver.fence();
        await shut;
        fenced(done.ok ? null : done.error.message);
      }
    }
    // A promise is only ever extended, so nothing is due before its end; a first one lasts longer than the idle look.
    await clock.sleep(leftMs !== null && leftMs > 0 ? leftMs : IDLE_LOOK_MS);
  };
  void (async () => {
    while (!stopped) await watchOnce();
  })();
  return {
    stop: () => {
      stopped = true;
    },
  };
}
