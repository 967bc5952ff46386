// Clock and Ids: the system's and the virtual ones.

import { createSequentialIds, createVirtualClock } from '../../adapters/memory/clock';
import { createSystemClock, createSystemIds } from '../../adapters/system';
import { clockContract } from './suites/clock';

clockContract('system', () => ({ clock: createSystemClock(), until: (promise) => promise }));
clockContract('virtual', () => {
  const clock = createVirtualClock();
  return { clock, until: clock.until };
});

describe('virtual time', () => {
  it('passes only when it is advanced', async () => {
    const clock = createVirtualClock();
    let woken = false;
    void clock.sleep(10).then(() => {
      woken = true;
    });
    await clock.advance(9);
    expect([woken, clock.nowMs()]).toEqual([false, 9]);
    await clock.advance(1);
    expect([woken, clock.nowMs()]).toEqual([true, 10]);
  });

  it('lets what one sleeper sets off run before the next one wakes, however many promises that takes', async () => {
    const clock = createVirtualClock();
    const told: string[] = [];
    const slowly = async (name: string, ms: number) => {
      await clock.sleep(ms);
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      told.push(`${name} ${clock.nowMs()}`);
    };
    void slowly('first', 10);
    void slowly('second', 11);
    await clock.advance(20);
    expect(told).toEqual(['first 10', 'second 11']);
  });

  it('becomes idle when nobody sleeps any more, or says that it did not', async () => {
    const clock = createVirtualClock();
    void clock.sleep(50).then(() => clock.sleep(50));
    expect(await clock.runUntilIdle()).toBe(true);
    expect(clock.nowMs()).toBe(100);
    const forever = async (): Promise<void> => {
      for (;;) await clock.sleep(1000);
    };
    void forever();
    expect(await clock.runUntilIdle(10_000)).toBe(false);
  });

  it('T7: a step of the wall clock moves nothing else', async () => {
    const clock = createVirtualClock();
    await clock.advance(1000);
    clock.stepWall(-86_400_000);
    expect(clock.wall()).toBe('2025-12-31T00:00:01.000Z');
    expect(clock.nowMs()).toBe(1000);
  });

  it('says so when a promise is not settled in time', async () => {
    const clock = createVirtualClock();
    await expect(clock.until(new Promise(() => undefined), 1000)).rejects.toThrow('not settled');
    await expect(clock.until(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  });
});

it.each([
  ['system', createSystemIds()],
  ['sequential', createSequentialIds('nonce')],
])('Ids: %s: never the same twice', (_, ids) => {
  const seen = new Set(Array.from({ length: 1000 }, () => ids.next()));
  expect(seen.size).toBe(1000);
});
