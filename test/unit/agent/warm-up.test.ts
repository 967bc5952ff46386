// A new agent's first read of the lease: patient, by the same store, and never for ever.

import { createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryStore } from '../../../adapters/memory/store';
import { unreachable } from '../../../adapters/problems';
import { warmUp } from '../../../agent/warm-up';

const late = { ok: false as const, error: unreachable('no answer within 260 ms', 'wait') };

test('T65: a cold client that misses its first bounds is asked again until the lease is read', async () => {
  const clock = createVirtualClock();
  const { leases } = createMemoryStore();
  const read = jest.spyOn(leases, 'read').mockResolvedValueOnce(late).mockResolvedValueOnce(late);
  const warm = warmUp(leases, 'alpha', clock);
  await clock.advance(1000);
  expect(await warm).toBe(true);
  expect(read).toHaveBeenCalledTimes(3);
});

test('a store that is away is left to the loop after a bound', async () => {
  const clock = createVirtualClock();
  const { leases } = createMemoryStore();
  jest.spyOn(leases, 'read').mockResolvedValue(late);
  const warm = warmUp(leases, 'alpha', clock);
  await clock.advance(6000);
  expect(await warm).toBe(false);
});
