// What every Clock must do, whoever owns its time.

import type { Clock } from '../../../core/ports';

export interface ClockSubject {
  clock: Clock;
  /** Lets time pass until `promise` is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

export function clockContract(name: string, make: () => ClockSubject): void {
  describe(`Clock: ${name}`, () => {
    it('never goes back', async () => {
      const { clock, until } = make();
      const first = clock.nowMs();
      await until(clock.sleep(5));
      expect(clock.nowMs()).toBeGreaterThanOrEqual(first);
    });

    it('a sleep lasts at least as long as asked, within a timer tick', async () => {
      const { clock, until } = make();
      const before = clock.nowMs();
      await until(clock.sleep(30));
      expect(clock.nowMs() - before).toBeGreaterThanOrEqual(29);
    });

    it('sleepers wake in the order of their time, not of their call', async () => {
      const { clock, until } = make();
      const woken: number[] = [];
      const sleepers = [60, 0, 30].map((ms) => clock.sleep(ms).then(() => woken.push(ms)));
      await until(Promise.all(sleepers));
      expect(woken).toEqual([0, 30, 60]);
    });

    it('tells the wall clock in ISO form', () => {
      expect(make().clock.wall()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });
  });
}
