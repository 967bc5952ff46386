// What every Tasks must do, whatever stands behind it.

import type { Tasks } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface TasksSubject {
  tasks: Tasks;
  script: FaultScript;
  /** Puts something to sleep; gives its token, and what becomes of it. */
  sleep(): Promise<{ token: string; woken: () => Promise<boolean>; stop: () => Promise<void> }>;
  ask: string;
}

export function tasksContract(name: string, make: () => Promise<TasksSubject>): void {
  describe(`Tasks: ${name}`, () => {
    it('a sleeper sleeps until it is woken, and goes on then', async () => {
      const { tasks, sleep } = await make();
      const { token, woken } = await sleep();
      value(await tasks.wake(token));
      expect(await woken()).toBe(true);
    });

    it('T48: who is awake already, or was stopped, or never slept, is Refused, and nothing happens', async () => {
      const { tasks, sleep } = await make();
      const first = await sleep();
      value(await tasks.wake(first.token));
      await first.woken();
      expect(problem(await tasks.wake(first.token)).code).toBe('Refused');
      const second = await sleep();
      await second.stop();
      expect(problem(await tasks.wake(second.token)).code).toBe('Refused');
      expect(problem(await tasks.wake('no-such-token')).code).toBe('Refused');
    });

    it('T3, T13: without an answer it is Unreachable, and may have woken it', async () => {
      const { tasks, script, sleep, ask } = await make();
      const { token, woken } = await sleep();
      for (const fault of ['timeout-before', 'throttle'] as const) {
        script.next(ask, fault);
        expect(problem(await tasks.wake(token)).code).toBe('Unreachable');
      }
      script.next(ask, 'timeout-after');
      expect(problem(await tasks.wake(token)).code).toBe('Unreachable');
      expect(await woken()).toBe(true);
    });
  });
}
