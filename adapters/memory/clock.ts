// Virtual time: nothing passes until somebody advances it, and everything that is due runs in order of its due time.
// Between two ticks all that can run without waiting runs first. Must never let real time in.

import type { Clock, Ids } from '../../core/ports';
import { settled } from '../system';

export interface VirtualClock extends Clock {
  /** Lets this much time pass, in ms, waking sleepers one by one. */
  advance(ms: number): Promise<void>;
  /** Lets time pass until nobody sleeps, at most `boundMs`; says whether it became idle. */
  runUntilIdle(boundMs?: number): Promise<boolean>;
  /** Lets time pass until `promise` is settled, at most `boundMs`, and gives what it gives. */
  until<T>(promise: Promise<T>, boundMs?: number): Promise<T>;
  /** Steps the wall clock alone, forward or back, in ms (T7). */
  stepWall(ms: number): void;
  /** How many sleepers there are. */
  sleepers(): number;
}

interface Sleeper {
  atMs: number;
  wake: () => void;
}

const hourMs = 3_600_000;

export function createVirtualClock(wallStartMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = 0;
  let wallOffsetMs = wallStartMs;
  /** The next to wake stands last; among equals the one that came first. */
  const sleepers: Sleeper[] = [];

  /** First place whose sleeper is due at this time or before it. */
  function placeOf(atMs: number): number {
    let [low, high] = [0, sleepers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sleepers[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Wakes the next sleeper that is due by `endMs`; false when there is none. */
  async function tick(endMs: number): Promise<boolean> {
    await settled();
    const next = sleepers.at(-1);
    if (!next || next.atMs > endMs) return false;
    sleepers.pop();
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
    return true;
  }

  async function advance(ms: number): Promise<void> {
    const endMs = nowMs + ms;
    while (await tick(endMs));
    nowMs = endMs;
  }

  async function runUntilIdle(boundMs = hourMs): Promise<boolean> {
    const endMs = nowMs + boundMs;
    while (await tick(endMs));
    return sleepers.length === 0;
  }

  async function until<T>(promise: Promise<T>, boundMs = hourMs): Promise<T> {
    const endMs = nowMs + boundMs;
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    await settled();
    while (pending && (await tick(endMs))) await settled();
    if (pending) throw new Error(`not settled after ${boundMs} ms of virtual time, ${sleepers.length} sleepers`);
    return promise;
  }

  return {
    nowMs: () => nowMs,
    wall: () => new Date(wallOffsetMs + nowMs).toISOString(),
    sleep: (ms) =>
      new Promise((wake) => {
        const atMs = nowMs + Math.max(0, ms);
        sleepers.splice(placeOf(atMs), 0, { atMs, wake });
      }),
    advance,
    runUntilIdle,
    until,
    stepWall: (ms) => {
      wallOffsetMs += ms;
    },
    sleepers: () => sleepers.length,
  };
}

/** Ids that are the same in every run. */
export function createSequentialIds(prefix = 'id'): Ids {
  let last = 0;
  return {
    next: () => {
      last += 1;
      return `${prefix}-${last}`;
    },
  };
}
