// One bucket of tokens per API for the whole account (T66). While AWS refuses nobody, a call goes straight through. Once it did, callers
// get in a line that lives in the table and take their turn there by importance; it takes the place of the SDK's blind retries.
// An optimisation: when the line cannot be read or written the call goes straight to AWS. Must never say that a call was
// done which was not made.

import type { Api, Fleet, Importance, Line } from '../../core/fleet';
import { isStormy, isThrottled, pushedBack, takeSlot } from '../../core/fleet';
import type { Clock, Ids, Outside } from '../../core/ports';
import { fail } from '../../core/result';
import { unreachable } from '../problems';

export interface GovernorOptions {
  fleet: Fleet;
  clock: Clock;
  ids: Ids;
  /** How long one call waits for its turn, in ms: less than a step's deadline. Then it is throttled, and the step is tried again. */
  patienceMs: number;
}

export interface Governor extends Readonly<GovernorOptions> {
  /** Whether AWS has refused somebody lately; costs a read a second at most. */
  stormy(api: Api): Promise<boolean>;
  /**
   * The call, at once or when its turn has come; `waited`: what was checked before may be over (L5). `crowd`: it is made for several, and
   * that is reason enough to stay in line.
   */
  turn<T>(api: Api, importance: Importance, call: (waited: boolean) => Outside<T>, crowd?: boolean): Outside<T>;
  /** AWS has refused a call that was made past the line. */
  noted(api: Api, error: unknown): Promise<void>;
  /** Between a half and all of it: a thousand who wait must not ask in step. */
  spread(ms: number): number;
  nowMs(): number;
}

/** So long a look at the line is good for, in ms. */
const lookMs = 1000;
/** Those who may not take a slot yet look again after this, in ms: a thousand of them read 700 times a second. */
const againMs = 2000;
/** A zone that is being changed is no sign that the account's quota is used up. */
const pushMs = (error: unknown): number => (error === 'PriorRequestNotComplete' ? 0 : 1000);

export const notYourTurn = (api: string) =>
  unreachable(`${api}: the account's quota is used up, and its turn has not come`, 'it is tried again', {
    error: 'ThrottlingQueued',
  });

export function createGovernor(options: GovernorOptions): Governor {
  const { fleet, clock, ids, patienceMs } = options;
  const seen = new Map<Api, { atMs: number; stormy: boolean }>();
  const nowMs = () => Date.parse(clock.wall());
  const spread = (ms: number) => ms * (0.5 + fraction(ids.next()) / 2);

  async function stormy(api: Api): Promise<boolean> {
    const last = seen.get(api);
    if (last && clock.nowMs() - last.atMs < lookMs) return last.stormy;
    const line = await fleet.line(api);
    const now = { atMs: clock.nowMs(), stormy: line.ok && isStormy(line.value, nowMs()) };
    seen.set(api, now);
    return now.stormy;
  }

  async function noted(api: Api, error: unknown): Promise<void> {
    seen.set(api, { atMs: clock.nowMs(), stormy: true });
    const line = await fleet.line(api);
    // Whoever was faster has noted the same.
    if (line.ok) await fleet.swapLine(api, line.value, pushedBack(line.value, nowMs(), pushMs(error)));
  }

  async function inLine<T>(
    api: Api,
    importance: Importance,
    call: (waited: boolean) => Outside<T>,
    crowd: boolean,
  ): Outside<T> {
    const endMs = clock.nowMs() + patienceMs;
    for (;;) {
      const waitMs = await slot({ fleet, clock, nowMs, spread }, { api, importance, crowd, endMs });
      if (waitMs === null) return fail(notYourTurn(api));
      await clock.sleep(waitMs);
      const answer = await call(true);
      if (answer.ok || !isThrottled(answer.error)) return answer;
      await noted(api, answer.error.details?.error);
      const pauseMs = spread(1000);
      if (clock.nowMs() + pauseMs >= endMs) return answer;
      await clock.sleep(pauseMs);
    }
  }

  async function turn<T>(
    api: Api,
    importance: Importance,
    call: (waited: boolean) => Outside<T>,
    crowd = false,
  ): Outside<T> {
    if (crowd || (await stormy(api))) return inLine(api, importance, call, crowd);
    const direct = await call(false);
    if (direct.ok || !isThrottled(direct.error)) return direct;
    await noted(api, direct.error.details?.error);
    return inLine(api, importance, call, crowd);
  }

  return { ...options, stormy, turn, noted, spread, nowMs };
}

interface Place {
  api: Api;
  importance: Importance;
  crowd: boolean;
  endMs: number;
}
type Times = Pick<Governor, 'fleet' | 'clock' | 'nowMs' | 'spread'>;

/** Ms until its slot; 0 too when the line cannot be had; null when there is none by `endMs`. */
async function slot(
  { fleet, clock, nowMs, spread }: Times,
  { api, importance, crowd, endMs }: Place,
): Promise<number | null> {
  for (;;) {
    const leftMs = endMs - clock.nowMs();
    const line = await fleet.line(api);
    if (!line.ok) return 0;
    const next = takeSlot(api, line.value, importance, nowMs(), crowd);
    const taken = await swapped({ fleet, nowMs }, api, { was: line.value, next, leftMs });
    if (typeof taken === 'number') return taken;
    const waitMs = spread(taken === 'lost' ? 40 : againMs);
    if (waitMs >= leftMs) return null;
    await clock.sleep(waitMs);
  }
}

async function swapped(
  { fleet, nowMs }: Pick<Times, 'fleet' | 'nowMs'>,
  api: Api,
  { was, next, leftMs }: { was: Line | null; next: ReturnType<typeof takeSlot>; leftMs: number },
): Promise<number | 'lost' | 'too far'> {
  if (next === null || next.atMs - nowMs() > leftMs) return 'too far';
  const written = await fleet.swapLine(api, was, next.line);
  if (written.ok) return Math.max(0, next.atMs - nowMs());
  return written.error.code === 'Refused' ? 'lost' : 0;
}

/** In [0, 1), from an id: FNV-1a, spread by a multiplication, because ids may differ in their last letter only. */
function fraction(id: string): number {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 8) / 2 ** 24;
}
