// What an operation cost, read off its journal entries: how long nobody could write, what was lost, how the old main was
// proven stopped. Pure. Times are the wall clocks of the functions that wrote the entries, for people: nothing decides on them.

import type { FenceHow } from '../core/model';
import type { JournalEntry } from '../core/ports';
import { stepOf } from './steps';
import { betweenMs, laterIso } from './times';

export interface WriteGap {
  /** ISO: the VIP was taken away, or the lost main was heard for the last time. */
  from: string;
  /** ISO: the new main accepts writes and the VIP points to it. */
  until: string;
  ms: number;
  /**
   * `at most`: the old main may have served for a part of it. `at least`: it gave the lease up, and how long it had not
   * served before that is not in the journal.
   */
  bound: 'at most' | 'at least';
  /** ISO: another node had written through the VIP by then; null when nobody had. */
  confirmed: string | null;
}

export interface Loss {
  /** What the old main had more than the candidate by its last report; what it wrote after that comes on top (T27). */
  atLeastBytes: number;
  /** ISO, of that report; null when there was none. */
  sampledAt: string | null;
}

export interface Measures {
  /** Who asked, and why. */
  by: string | null;
  reason: string | null;
  writeGap: WriteGap | null;
  /** failover: null when nobody was chosen. A switchover loses nothing: the barrier sees to that. */
  loss: Loss | null;
  proof: { how: FenceHow; evidence: string } | null;
}

type Entries = readonly JournalEntry[];

const done = (entries: Entries, step: string): JournalEntry | undefined =>
  entries.findLast((entry) => stepOf(entry) === step && entry.kind === 'step');
/** A repeated claim after a failed promotion does not make the gap begin anew. */
const firstDone = (entries: Entries, step: string): JournalEntry | undefined =>
  entries.find((entry) => stepOf(entry) === step && entry.kind === 'step');

const begunAt = ({ at, ms = 0 }: JournalEntry): string => laterIso(at, -ms);

function gapBegins(entries: Entries): Pick<WriteGap, 'from' | 'bound'> | null {
  const withdrawn = firstDone(entries, 'withdraw-vip');
  if (withdrawn) return { from: begunAt(withdrawn), bound: 'at most' };
  const verified = firstDone(entries, 'verify');
  if (!verified) return null;
  const { silentMs = 0 } = (verified.details?.watched ?? {}) as { silentMs?: number };
  return silentMs > 0
    ? { from: laterIso(begunAt(verified), -silentMs), bound: 'at most' }
    : { from: begunAt(verified), bound: 'at least' };
}

export function writeGapOf(entries: Entries): WriteGap | null {
  const begins = gapBegins(entries);
  const [promoted, moved] = [done(entries, 'promote'), done(entries, 'move-vip')];
  if (!begins || !promoted || !moved) return null;
  const until = promoted.at > moved.at ? promoted.at : moved.at;
  const ms = betweenMs(begins.from, until);
  return { ...begins, until, ms, confirmed: done(entries, 'confirm')?.at ?? null };
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function lossOf(entries: Entries): Loss | null {
  const told = done(entries, 'choose-after-fence')?.details?.loss as Partial<Loss> | undefined;
  if (typeof told?.atLeastBytes !== 'number') return null;
  return { atLeastBytes: told.atLeastBytes, sampledAt: told.sampledAt ?? null };
}

function proofOf(entries: Entries): Measures['proof'] {
  const fenced = done(entries, 'fence');
  const how = text(fenced?.details?.how);
  return fenced && how ? { how: how as FenceHow, evidence: fenced.because } : null;
}

export function measured(entries: Entries): Measures {
  const asked = entries.find(({ details }) => typeof details?.by === 'string')?.details ?? {};
  return {
    by: text(asked.by),
    reason: text(asked.reason),
    writeGap: writeGapOf(entries),
    loss: lossOf(entries),
    proof: proofOf(entries),
  };
}
