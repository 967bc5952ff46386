// What all executions of one account share when AWS begins to refuse calls (T66): a line per API that hands out its tokens by
// importance, and a queue per API from which one execution makes one call for many. An optimisation and nothing else: no safety
// rests on it, a call goes straight to AWS when it cannot be reached. Pure; the waiting is in adapters/governed.

import type { OutsideProblem } from './errors';
import type { Outside } from './ports';

/** Who goes first when there is not enough for everybody at once. */
export const importances = ['high', 'normal', 'low'] as const;
export type Importance = (typeof importances)[number];

export interface Quota {
  /** Calls that AWS allows in a lasting run, per second, for the account and Region. */
  perSecond: number;
  /** Calls that it allows at once. */
  burst: number;
}

/**
 * As AWS publishes them: EC2 developer guide "Request throttling", Route 53 developer guide "Throttling API requests". Route 53 counts
 * all its calls together.
 */
export const quotas = {
  'ec2:StopInstances': { perSecond: 5, burst: 50 },
  'ec2:StartInstances': { perSecond: 2, burst: 5 },
  'ec2:DescribeInstances': { perSecond: 20, burst: 100 },
  'ec2:DescribeAddresses': { perSecond: 20, burst: 100 },
  'ec2:AssociateAddress': { perSecond: 5, burst: 50 },
  'ec2:DisassociateAddress': { perSecond: 5, burst: 50 },
  route53: { perSecond: 10, burst: 50 },
} as const satisfies Record<string, Quota>;
export type Api = keyof typeof quotas;

/** Between two calls in a lasting run, in ms. */
export const slotMs = (api: Api): number => 1000 / quotas[api].perSecond;

/** Names of the errors by which AWS says that a quota is used up; `$retryable` and status 429 say the same (adapters/aws/outside.ts). */
export const throttlingErrors =
  /Throttl|^(RequestLimitExceeded|PriorRequestNotComplete|ProvisionedThroughputExceededException|TooManyRequests(Exception)?|SlowDown)$/;

/** AWS has not done it because of a quota: nothing is wrong, it is to be asked again later. */
export const isThrottled = ({ code, details }: OutsideProblem): boolean =>
  code === 'Unreachable' && throttlingErrors.test(String(details?.error ?? ''));

// ---- the line ------------------------------------------------------------------------------------------------------------

/** Tokens of one API as a line of slots. Times are wall clock in ms: a clock that is off costs somebody's patience, and no more. */
export interface Line {
  /** The next slot that nobody has. */
  nextMs: number;
  /** When somebody last had to wait, or was refused by AWS. */
  busyAtMs: number;
  /** +1 at every write: the compare-and-swap. */
  version: number;
}

/** So long after the last trouble calls go straight to AWS again. */
export const calmAfterMs = 30_000;

export const isStormy = (line: Line | null, nowMs: number): boolean =>
  line !== null && Math.abs(nowMs - line.busyAtMs) < calmAfterMs;

/**
 * How far ahead a slot may be taken, in ms. The important ones take whatever comes next, the others only what is about to be lost:
 * so an important cluster that comes late waits behind 2 s of others and not behind all of them.
 */
export const horizonMs: Record<Importance, number> = { high: Number.POSITIVE_INFINITY, normal: 2000, low: 500 };

/** The next slot for one of this importance, and the line without it; null when it has to look again later. */
export function takeSlot(
  api: Api,
  line: Line | null,
  importance: Importance,
  nowMs: number,
  crowd: boolean,
): { atMs: number; line: Line } | null {
  const atMs = Math.max(nowMs, line?.nextMs ?? nowMs);
  if (atMs - nowMs > horizonMs[importance]) return null;
  const busyAtMs = crowd || atMs > nowMs ? nowMs : (line?.busyAtMs ?? nowMs - calmAfterMs);
  return { atMs, line: { nextMs: atMs + slotMs(api), busyAtMs, version: (line?.version ?? 0) + 1 } };
}

/** AWS has refused one: nobody who comes now is called before this much is over, and newcomers get in line. */
export const pushedBack = (line: Line | null, nowMs: number, byMs: number): Line => ({
  nextMs: Math.max(line?.nextMs ?? 0, nowMs + byMs),
  busyAtMs: nowMs,
  version: (line?.version ?? 0) + 1,
});

// ---- the queue -----------------------------------------------------------------------------------------------------------

/** One execution's part of a call that is made for many. */
export interface Wish {
  /** Sorts by importance, then by age. */
  id: string;
  body: unknown;
  /** Wall clock, ms: nobody carries it out after this, for its owner has given up and may have decided anew (T57). */
  untilMs: number;
  answer: unknown;
}

export const wishId = (importance: Importance, wall: string, unique: string): string =>
  `${importances.indexOf(importance)}#${wall}#${unique}`;

/** The table's part in it. Best effort throughout: whoever gets no answer goes straight to AWS. */
export interface Fleet {
  /** May be stale: whoever takes a slot swaps. */
  line(api: Api): Outside<Line | null>;
  /** Written only over `was`, or where nothing is when that is null; Refused otherwise. Atomic. */
  swapLine(api: Api, was: Line | null, next: Line): Outside<void>;
  /** `lane`: an API, or an API and a zone. Idempotent. */
  put(lane: string, wish: Wish): Outside<void>;
  /** May be stale by a moment. null: not there. */
  get(lane: string, id: string): Outside<Wish | null>;
  /** Those without an answer, the most important and then the oldest first, at most so many. Strongly consistent. */
  waiting(lane: string, most: number): Outside<Wish[]>;
  /** Only where the wish still is and has none: one that was withdrawn does not come back, and the first answer stays. */
  answer(lane: string, id: string, answer: unknown): Outside<void>;
  /** By its owner, when it has its answer or gives up. Idempotent. */
  remove(lane: string, id: string): Outside<void>;
  /**
   * True: `leader` makes this lane's calls until `untilMs`. Taken when nobody has it, or the one who has is over. Two may believe in it
   * when clocks differ or one is frozen; that costs a call and harms nothing: calls are idempotent or compare-and-swap.
   */
  lead(lane: string, leader: string, nowMs: number, untilMs: number): Outside<boolean>;
  /** Only one's own. Idempotent. */
  leave(lane: string, leader: string): Outside<void>;
}
