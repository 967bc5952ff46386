// Sleeping tasks in memory. Port: Tasks. Whoever runs a plan begins a task and waits for its end; each token ends once.

import type { Clock, Tasks } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { type Faults, withFaults } from './faults';

export interface MemoryTasks extends Tasks {
  /** A new token. */
  begin(): string;
  /** True when somebody woke it, false when nobody did in time. */
  ended(token: string, timeoutMs: number): Promise<boolean>;
  /** Its execution was stopped: it sleeps no more, and nobody is told. */
  stop(token: string): void;
}

export function createMemoryTasks({ clock, faults }: { clock: Clock; faults?: Faults }): MemoryTasks {
  const asleep = new Map<string, { woken: Promise<boolean>; wake: (by: boolean) => void }>();
  let begun = 0;
  const end = (token: string, by: boolean): boolean => {
    asleep.get(token)?.wake(by);
    return asleep.delete(token);
  };
  const tasks: Tasks = {
    wake: async (token) =>
      end(token, true) ? ok(undefined) : fail(refused('no execution sleeps with this token', 'read the lease again')),
  };
  return {
    ...withFaults('Tasks', tasks, faults),
    begin: () => {
      begun += 1;
      const token = `token-${begun}`;
      let wake: (by: boolean) => void = () => undefined;
      const woken = new Promise<boolean>((resolve) => {
        wake = resolve;
      });
      asleep.set(token, { woken, wake });
      return token;
    },
    ended: (token, timeoutMs) => {
      void clock.sleep(timeoutMs).then(() => end(token, false));
      return asleep.get(token)?.woken ?? Promise.resolve(true);
    },
    stop: (token) => void asleep.delete(token),
  };
}
