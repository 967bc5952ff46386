// Arithmetic of PostgreSQL's log: LSNs as byte counts, segment names, timeline histories and where two of them part.
// Pure. Timeline numbers alone say nothing: two nodes may have picked the same one (T33), so ancestry is compared.

import type { Position } from '../../../core/model';

const HALF = 2 ** 32;
const PAGE = 8192;

/** `16/B374D848` as bytes. */
export function parseLsn(text: string): number {
  const [high = '0', low = '0'] = text.split('/');
  return Number.parseInt(high, 16) * HALF + Number.parseInt(low, 16);
}

const hex = (value: number): string => value.toString(16).toUpperCase();
const hex8 = (value: number): string => hex(value).padStart(8, '0');

export const formatLsn = (bytes: number): string => `${hex(Math.floor(bytes / HALF))}/${hex(bytes % HALF)}`;

/** Name of the segment file that holds the byte at `bytes`. */
export function segmentName(timeline: number, bytes: number, segmentBytes: number): string {
  const segment = Math.floor(bytes / segmentBytes);
  const perHalf = HALF / segmentBytes;
  return hex8(timeline) + hex8(Math.floor(segment / perHalf)) + hex8(segment % perHalf);
}

/** Timeline and first byte of a segment file; null for any other name. */
export function parseSegment(name: string, segmentBytes: number): Position | null {
  const match = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/.exec(name);
  if (!match) return null;
  const [, timeline = '', high = '', low = ''] = match;
  const bytes = Number.parseInt(high, 16) * HALF + Number.parseInt(low, 16) * segmentBytes;
  return { timeline: Number.parseInt(timeline, 16), bytes };
}

export const historyName = (timeline: number): string => `${hex8(timeline)}.history`;

/** Where a record of `recordBytes` that begins at `start` ends: records are 8-aligned, and every page has its own header. */
export function recordEnd(start: number, recordBytes: number, segmentBytes: number): number {
  let at = start;
  let left = Math.ceil(recordBytes / 8) * 8;
  while (left > PAGE - (at % PAGE)) {
    left -= PAGE - (at % PAGE);
    at += PAGE - (at % PAGE);
    at += at % segmentBytes === 0 ? 40 : 24;
  }
  return at + left;
}

/** A stretch of a history: this timeline, until `end` (exclusive); the last one has no end. */
export interface Stretch {
  timeline: number;
  end: number;
}
export type Ancestry = readonly Stretch[];

/** The text of `<timeline>.history`, null on the first timeline. */
export function parseHistory(timeline: number, text: string | null): Ancestry {
  const lines = (text ?? '').split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line);
    return match ? [{ timeline: Number(match[1]), end: parseLsn(match[2] ?? '') }] : [];
  });
  return [...lines, { timeline, end: Number.POSITIVE_INFINITY }];
}

/** Where the current timeline began; null on the first one. */
export function forkOf(ancestry: Ancestry): Position | null {
  const current = ancestry.at(-1);
  const parent = ancestry.at(-2);
  return current && parent ? { timeline: current.timeline, bytes: parent.end } : null;
}

/** The last point that two histories share: infinite when they are the same; null when they share nothing. */
export function partingOf(mine: Ancestry, theirs: Ancestry): Position | null {
  let parting: Position | null = null;
  for (const [index, stretch] of mine.entries()) {
    const other = theirs[index];
    if (other?.timeline !== stretch.timeline) break;
    parting = { timeline: stretch.timeline, bytes: Math.min(stretch.end, other.end) };
    if (stretch.end !== other.end) break;
  }
  return parting;
}
