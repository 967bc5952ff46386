// Medians with their range, and the share that each step has of the write gap. Pure.

import type { StepTime } from '../../local/story';

export interface Figure {
  median: number;
  min: number;
  max: number;
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** Steps during which nobody can write; what comes before or after them costs no write. These two run side by side. */
export const stepsInGap = {
  failover: ['verify', 'claim', 'fence', 'choose-after-fence', 'grant', 'promote', 'move-vip'],
  switchover: ['withdraw-vip', 'drain', 'barrier', 'transfer', 'promote', 'move-vip'],
} as const;
const sideBySide = ['promote', 'move-vip'];

export interface StepShare {
  name: string;
  ms: Figure;
  /** Of the median write gap, in percent; null for a step outside of it. */
  sharePercent: number | null;
}

export interface Move {
  writeGapMs: number;
  steps: readonly StepTime[];
}

/** Each step, and last what of the gap is no step: detection, starting the execution, and the way between steps. */
export function sharesOf(kind: keyof typeof stepsInGap, moves: readonly Move[]): StepShare[] {
  const inGap: readonly string[] = stepsInGap[kind];
  const gapMs = figure(moves.map(({ writeGapMs }) => writeGapMs)).median;
  const percent = (ms: number): number => (100 * ms) / gapMs;
  const names = moves[0]?.steps.map(({ name }) => name) ?? [];
  const shares = names.map((name) => {
    const ms = figure(moves.map((move) => timeOf(move, name)));
    return { name, ms, sharePercent: inGap.includes(name) ? percent(ms.median) : null };
  });
  const rest = figure(moves.map((move) => move.writeGapMs - stepsMs(move, inGap)));
  return [...shares, { name: 'not in a step', ms: rest, sharePercent: percent(rest.median) }];
}

const timeOf = ({ steps }: Move, name: string): number => steps.find((step) => step.name === name)?.ms ?? 0;

function stepsMs(move: Move, inGap: readonly string[]): number {
  const oneByOne = inGap.filter((name) => !sideBySide.includes(name)).map((name) => timeOf(move, name));
  return oneByOne.reduce((sum, ms) => sum + ms, 0) + Math.max(...sideBySide.map((name) => timeOf(move, name)));
}
