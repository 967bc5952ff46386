// What the scenario bench says about a run, from acknowledgements and measurements that are written out here.

import { longestGapMs, wrongSide } from '../../../local/writers';
import type { Measured } from '../../bench/scenarios/scenarios';
import { rowsOf, scenarioTable } from '../../bench/scenarios/table';

const acks = (on: string, ...times: number[]) => times.map((atMs) => ({ id: atMs, atMs, on }));

test('an old main that acknowledges on after another has begun is a second main, for as long as both do', () => {
  const both = [...acks('old', 90, 150, 200), ...acks('new', 140, 160, 220)];
  expect(wrongSide(both, 100, 'old')).toEqual({ writes: 2, twoMainsMs: 50 });
});

test('a main that stood still was no second main until it went on', () => {
  const thawed = [...acks('old', 90, 1010, 1050), ...acks('new', 200, 1000, 1100)];
  expect(wrongSide(thawed, 100, 'old')).toEqual({ writes: 2, twoMainsMs: 40 });
});

test('an old main that comes back and wins makes the writes of the other one the wrong ones', () => {
  const back = [...acks('old', 90, 1010, 1050, 1200), ...acks('new', 200, 1000, 1020, 1060)];
  expect(wrongSide(back, 100, 'old', 'old')).toEqual({ writes: 2, twoMainsMs: 50 });
});

test('no other main, no wrong write', () => {
  expect(wrongSide(acks('old', 90, 150, 200), 100, 'old')).toEqual({ writes: 0, twoMainsMs: 0 });
});

test('a gap that is still open counts until now', () => {
  expect(longestGapMs(acks('old', 90, 100, 120), 110, 500)).toBe(380);
});

const measured = (system: string, run: number, gapMs: number | null): Measured => ({
  system,
  preset: 'tight',
  scenario: 'kill',
  run,
  failure: gapMs === null ? 'not within 180 s: clients write again' : null,
  outcome:
    gapMs === null
      ? null
      : {
          gapMs,
          twoMainsMs: 0,
          wrongWrites: 0,
          lostWrites: run,
          acknowledgedWrites: 100,
          settled: run !== 2,
          newMain: 'db2',
        },
});

test('a row is the median with its range, and its gap beside that of Mainstay', () => {
  const all = [measured('mainstay', 1, 2000), measured('other', 1, 9000), measured('other', 2, 10_000)];
  expect(rowsOf(all, 'kill')).toMatchObject([
    { system: 'mainstay', ratio: 1 },
    { system: 'other', runs: 2, gapMs: { median: 9500, min: 9000, max: 10_000 }, unsettled: 1, ratio: 4.75 },
  ]);
});

test('without Mainstay there is no ratio, and a run without a result is said, not counted', () => {
  const all = [measured('other', 1, 9000), measured('other', 2, null)];
  expect(rowsOf(all, 'kill')).toMatchObject([{ runs: 1, failures: 1, gapMs: { median: 9000 }, ratio: null }]);
  expect(scenarioTable(all)).toContain('1 without a result');
});

test('only scenarios that were run have a table', () => {
  expect(scenarioTable([measured('other', 1, 9000)])).not.toContain('frozen');
});
