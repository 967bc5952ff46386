// What a contender may conclude from what it saw.

import { silentMs, watched } from '../../../core/watch';
import { aLease } from '../../support/samples';

/** Longer than any gap between two reads here. */
const gap = 5000;
const at = (renewals: number, epoch = 1) => aLease('alpha', { renewals, epoch });

test('L3: silence is counted between two reads that succeeded, never up to now', () => {
  const first = watched(null, at(5), 1000, gap);
  expect(silentMs(first)).toBe(0);
  expect(silentMs(watched(first, at(5), 4500, gap))).toBe(3500);
});

test('L3: a renewal or a new epoch starts the count again', () => {
  const first = watched(watched(null, at(5), 0, gap), at(5), 4000, gap);
  expect(silentMs(watched(first, at(6), 5000, gap))).toBe(0);
  expect(silentMs(watched(first, at(5, 2), 5000, gap))).toBe(0);
});

test('T23: a failed read starts the count again', () => {
  const before = watched(watched(null, at(5), 0, gap), at(5), 4000, gap);
  expect(silentMs(before)).toBe(4000);
  const afterFailure = null;
  expect(silentMs(watched(afterFailure, at(5), 5000, gap))).toBe(0);
});

test('T5, T26: a contender that has not looked for too long starts the count again: it cannot know what it slept through', () => {
  const before = watched(null, at(5), 0, 3000);
  expect(silentMs(watched(before, at(5), 3000, 3000))).toBe(3000);
  expect(silentMs(watched(before, at(5), 3001, 3000))).toBe(0);
});
