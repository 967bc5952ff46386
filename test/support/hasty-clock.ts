// Time that passes by being slept through: a bound is reached after so many looks, at once. Never waits.

import { createSystemClock } from '../../adapters/system';
import type { Clock } from '../../core/ports';

export function hastyClock(): Clock {
  let nowMs = 0;
  return {
    ...createSystemClock(),
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  };
}
