// Which history the cluster's data is on: the timelines of the main, oldest first, each with the byte and the epoch at which
// it began. Kept on the lease, because a former main cannot be asked. The number of a timeline alone says nothing, and not
// even its beginning does: two nodes that were promoted apart may have picked the same (T33). Pure.

import type { EngineStatus } from './model';

export interface Branch {
  /** null: granted, and not begun yet. */
  timeline: number | null;
  /** Where it left the one before it, in bytes since the beginning of the history. */
  fromBytes: number;
  /** Under which its main was granted the role. */
  epoch: number;
}

/** A backup that has missed so many changes of the main role is no candidate any more. */
const KEPT = 50;

type History = Pick<EngineStatus, 'received' | 'forkedAt'>;
type Beginning = Pick<Branch, 'timeline' | 'fromBytes'>;

/** The timeline that an engine is on; null when it cannot tell where that began (only the first has no beginning). */
export function branchOf({ received, forkedAt }: History): Beginning | null {
  if (received === null || (received.timeline > 1 && forkedAt === null)) return null;
  return { timeline: received.timeline, fromBytes: forkedAt?.bytes ?? 0 };
}

const same = (one: Beginning, other: Beginning): boolean =>
  one.timeline === other.timeline && one.fromBytes === other.fromBytes;

/** With a new main's branch: what began beyond its beginning was never its history. */
export function grown(lineage: readonly Branch[], branch: Branch): Branch[] {
  // A grant whose own beginning was never told stays as the place where others parted from it.
  const begun = lineage.filter(({ timeline, fromBytes }) =>
    timeline === null ? fromBytes < branch.fromBytes : fromBytes <= branch.fromBytes,
  );
  const last = begun.at(-1);
  // Nothing was granted since: the same main goes on.
  if (lineage.at(-1)?.timeline !== null && last && same(last, branch)) return begun;
  return [...begun.filter((known) => !same(known, branch)), branch].slice(-KEPT);
}

/** A candidate that has received so much is granted the role: whoever has more on the same timeline has left its history. */
export const parted = (lineage: readonly Branch[], fromBytes: number, epoch: number): Branch[] =>
  lineage.length === 0 ? [] : grown(lineage, { timeline: null, fromBytes, epoch });

/**
 * Whether all that this node has received belongs to the lineage; true while nobody has written one.
 * `followed`: epoch of the last main that it is known to have streamed from; a timeline that began later is another's.
 */
export function belongs(lineage: readonly Branch[], history: History, followed: number | null): boolean {
  if (lineage.length === 0) return true;
  const branch = branchOf(history);
  if (branch === null || followed === null) return false;
  const index = lineage.findIndex((known) => same(known, branch) && known.epoch <= followed);
  const next = lineage[index + 1];
  return index >= 0 && (next === undefined || (history.received?.bytes ?? 0) <= next.fromBytes);
}
