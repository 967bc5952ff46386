// When a drill is due.

import { latestWindow, windowOf } from '../../../core/drill';

const hourMs = 3_600_000;

test.each([
  ['sun:03:00-sun:04:00', hourMs],
  ['sat:23:30-sun:00:30', hourMs],
  ['mon:00:00-sun:00:00', 6 * 24 * hourMs],
])('%s has its length, over the end of the week too', (text, lengthMs) => {
  expect(windowOf(text)?.lengthMs).toBe(lengthMs);
});

test.each(['sun:03:00', 'Sun:03:00-Sun:04:00', 'sun:3:00-sun:4:00', 'sun:24:00-mon:01:00', 'sun:03:00-sun:03:00', ''])(
  "'%s' is no window",
  (text) => expect(windowOf(text)).toBeNull(),
);

// 22 November 2026 is a Sunday.
test.each([
  ['2026-11-22T02:59:59Z', { id: '20261115', open: false, justOver: false }],
  ['2026-11-22T03:00:00Z', { id: '20261122', open: true, justOver: false, sinceMs: 0 }],
  ['2026-11-22T03:59:59Z', { id: '20261122', open: true, justOver: false }],
  ['2026-11-22T04:00:00Z', { id: '20261122', open: false, justOver: true }],
  ['2026-11-22T05:00:00Z', { id: '20261122', open: false, justOver: false }],
  ['2026-11-28T23:59:59Z', { id: '20261122', open: false, justOver: false }],
])('at %s the latest window of a Sunday night is %j', (now, window) => {
  expect(latestWindow('sun:03:00-sun:04:00', now)).toMatchObject(window);
});

test('a window over midnight is named by the day on which it began', () => {
  expect(latestWindow('sat:23:30-sun:00:30', '2026-11-22T00:10:00Z')).toMatchObject({ id: '20261121', open: true });
});
