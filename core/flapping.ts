// A cluster that fails over again and again by itself is ill in a way that no failover mends (T59): after each one it waits, and
// after so many in a day it waits for a person, who acknowledges them. Attempts are counted, successful or not. Only what is
// automatic is held back, never a person. Pure; the times are wall clocks, because nothing safe depends on them.

import type { Attempt } from './model';

export interface FlappingLimits {
  /** Between the beginnings of two automatic failovers, in ms. */
  coolDownMs: number;
  /** In 24 hours, unacknowledged. */
  maxPerDay: number;
}

/** A main that dies within a minute of its promotion was not well; the sixth time in a day is no accident any more. */
export const defaultFlapping: FlappingLimits = { coolDownMs: 60_000, maxPerDay: 6 };

const dayMs = 24 * 3_600_000;
/** Attempts kept on the lease, which stays small: what `maxPerDay` counts cannot be more (infra/config.ts). */
export const remembered = 50;

export const attempted = (attempts: readonly Attempt[], attempt: Attempt | undefined): Attempt[] =>
  attempt === undefined || attempts.some(({ operation }) => operation === attempt.operation)
    ? [...attempts]
    : [...attempts, attempt].slice(-remembered);

export interface Flapping {
  code: 'CoolDown' | 'TooMany';
  message: string;
}

/** Why another automatic failover would be one too many, or null. An operation's own attempt does not hold it back. */
export function judgeFlapping(
  { coolDownMs, maxPerDay }: FlappingLimits,
  attempts: readonly Attempt[],
  { operation, now }: { operation: string; now: string },
): Flapping | null {
  const others = attempts.filter((attempt) => attempt.operation !== operation);
  const ageMs = ({ at }: Attempt) => Date.parse(now) - Date.parse(at);
  const today = others.filter((attempt) => ageMs(attempt) < dayMs);
  if (today.length >= maxPerDay)
    return {
      code: 'TooMany',
      message: `it has failed over by itself ${today.length} times in 24 hours (limit ${maxPerDay}), and nobody has acknowledged that`,
    };
  const last = others.at(-1);
  if (last && ageMs(last) < coolDownMs)
    return {
      code: 'CoolDown',
      message: `the last automatic failover (${last.operation}) began ${Math.round(ageMs(last) / 1000)} s ago, and the cool-down is ${coolDownMs / 1000} s`,
    };
  return null;
}
