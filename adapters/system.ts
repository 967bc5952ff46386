// The machine's own clock, timers and randomness behind the ports Clock and Ids.
// The only place in the product that touches them; everything else is given a Clock, so that a simulation can own time.

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Ids } from '../core/ports';

export const createSystemClock = (): Clock => ({
  nowMs: () => performance.now(),
  wall: () => new Date().toISOString(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

export const createSystemIds = (): Ids => ({ next: () => randomUUID() });

/** Resolves when everything that could run without waiting has run: what a virtual clock waits for between two ticks. */
export const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
