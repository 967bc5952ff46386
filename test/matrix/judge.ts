// What must be true of every trial, whatever its figures. Pure.

import { faults } from './faults';
import type { Trial } from './trial';

/** Each thing that is wrong, as a sentence; empty when all is well. */
export function wrongWith({ fault, mode, outcome, twoMainsMs, wrongWrites, lostWrites, reported }: Trial): string[] {
  const expected = faults[fault]?.outcome ?? 'either';
  const found: [boolean, string][] = [
    [expected !== 'either' && expected !== outcome, `the main was ${outcome}, expected: ${expected}`],
    [twoMainsMs > 0, `two mains acknowledged for ${twoMainsMs} ms`],
    [wrongWrites > 0, `${wrongWrites} writes were acknowledged by a node that was no longer the main`],
    [mode !== 'async' && lostWrites > 0, `${lostWrites} acknowledged writes are lost in mode ${mode}`],
    [outcome === 'kept' && lostWrites > 0, `${lostWrites} acknowledged writes are lost though the main is the same`],
    [lostWrites > 0 && reported === null, `${lostWrites} acknowledged writes are lost and nothing was reported`],
  ];
  return found.filter(([wrong]) => wrong).map(([, sentence]) => sentence);
}
