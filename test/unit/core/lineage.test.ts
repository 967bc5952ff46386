// Which history is the cluster's: what a backup may have received to be a candidate.

import { belongs, grown, parted } from '../../../core/lineage';

const at = (timeline: number, bytes: number, fromBytes: number | null = null) => ({
  received: { timeline, bytes },
  forkedAt: fromBytes === null ? null : { timeline: timeline - 1, bytes: fromBytes },
});

/** db1 from the start; db2 promoted at 800 under epoch 2; db3 at 1500 under epoch 3. */
const first = grown([], { timeline: 1, fromBytes: 0, epoch: 1 });
const second = grown(parted(first, 800, 2), { timeline: 2, fromBytes: 800, epoch: 2 });
const third = grown(parted(second, 1500, 3), { timeline: 3, fromBytes: 1500, epoch: 3 });

test('the lineage has a branch for each main that was promoted', () => {
  expect(third).toEqual([
    { timeline: 1, fromBytes: 0, epoch: 1 },
    { timeline: 2, fromBytes: 800, epoch: 2 },
    { timeline: 3, fromBytes: 1500, epoch: 3 },
  ]);
});

test.each([
  ['on the newest timeline', at(3, 9000, 1500), 3, true],
  ['behind on an older one, before it was left', at(2, 1500, 800), 2, true],
  ['T33, T39: ahead on an older one, beyond where it was left', at(2, 1501, 800), 2, false],
  ['far behind on the first', at(1, 700), 1, true],
  ['T33: the same number, begun elsewhere', at(3, 1600, 1400), 3, false],
  ['T33: the same number and beginning, but never followed its main', at(3, 1600, 1500), 2, false],
  ['that has followed nobody', at(1, 700), null, false],
  ['that cannot tell where its timeline began', at(2, 900), 2, false],
])('a backup %s', (_, history, followed, expected) => {
  expect(belongs(third, history, followed)).toBe(expected);
});

test('a main that crashed before its first renewal and began again later leaves the place where others parted', () => {
  const lineage = grown(parted(first, 800, 2), { timeline: 3, fromBytes: 950, epoch: 2 });
  expect(belongs(lineage, at(1, 900), 1)).toBe(false);
  expect(belongs(lineage, at(1, 800), 1)).toBe(true);
});

test('a main that is started again in place goes on; a promotion at the very same byte does not', () => {
  expect(grown(second, { timeline: 2, fromBytes: 800, epoch: 5 })).toEqual(second);
  const twin = grown(parted(second, 800, 5), { timeline: 2, fromBytes: 800, epoch: 5 });
  expect(twin.at(-1)).toEqual({ timeline: 2, fromBytes: 800, epoch: 5 });
  expect(belongs(twin, at(2, 900, 800), 2)).toBe(false);
});

test('nothing is known before the first main has renewed', () => {
  expect(belongs([], at(7, 100), null)).toBe(true);
  expect(parted([], 100, 1)).toEqual([]);
});
