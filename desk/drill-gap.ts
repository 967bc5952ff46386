// How long nobody could write in a drill, against what was asked for: one judgement and one sentence for drills that people hold and for
// those that the configuration asks for. Pure. Must never call a gap met that nobody measured.

import type { Measures } from './measures';
import { durationText } from './texts';

/** null: not measured in one of them, which is not the same as none; nor is a gap of which only a part is known. */
export function longestGap(outcomes: readonly Pick<Measures, 'writeGap'>[]): number | null {
  const gaps = outcomes.flatMap(({ writeGap }) => (writeGap?.bound === 'at most' ? [writeGap.ms] : []));
  return gaps.length < outcomes.length ? null : Math.max(...gaps);
}

/** `objectiveMs`: null when nothing was asked for. */
export function judgeGap(longestGapMs: number | null, objectiveMs: number | null): { met: boolean; text: string } {
  const met = objectiveMs === null || (longestGapMs !== null && longestGapMs <= objectiveMs);
  const gap =
    longestGapMs === null
      ? 'how long there were no writes was NOT MEASURED'
      : `no writes for at most ${durationText(longestGapMs)}`;
  const asked = objectiveMs === null ? '' : `, ${durationText(objectiveMs)} were asked for: ${met ? 'met' : 'MISSED'}`;
  return { met, text: gap + asked };
}
