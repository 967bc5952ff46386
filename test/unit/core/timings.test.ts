// The timing inequality, clause by clause.

import { clockErrorMs, contenderWaitMs, defaultTimings, judgeTimings, promiseMs } from '../../../core/timings';

test('L6: the defaults hold', () => expect(judgeTimings(defaultTimings)).toEqual([]));

test.each([
  ['three renewals must fit', { heartbeatMs: 1001 }, '3 x 1001 <= 4000 - 1000'],
  ['the margin covers stop and clock', { engineStopMs: 961 }, '1000 >= 961 + 40'],
  ['a request ends before the next', { storeTimeoutMs: 1001 }, '1001 <= 1000'],
  ['alert is not slower than the heartbeat', { alertMs: 1001 }, '1001 <= 1000'],
  ['a report is not more frequent than the heartbeat', { reportMs: 999 }, '1000 <= 999'],
  ['a clock is not better than quartz', { clockErrorPpm: 100 }, '100 >= 200'],
  ['a timing is a number', { ttlMs: Number.NaN }, 'positive number'],
])('T8, L6: %s', (_, change, arithmetic) => {
  expect(judgeTimings({ ...defaultTimings, ...change }).join('\n')).toContain(arithmetic);
});

test('L2, L3, T1, T2: a contender waits longer than any promise can last, whatever the two clocks do within their error', () => {
  const error = clockErrorMs(defaultTimings);
  const slowest = (promiseMs(defaultTimings) + defaultTimings.engineStopMs) * (1 + defaultTimings.clockErrorPpm / 1e6);
  const fastest = contenderWaitMs(defaultTimings) * (1 - defaultTimings.clockErrorPpm / 1e6);
  expect(error).toBe(40);
  expect(fastest).toBeGreaterThan(slowest);
});
