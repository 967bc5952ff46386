// Which operations run, in memory. Port: Executions. Whoever runs them says when they begin and end.

import type { Executions } from '../../core/ports';
import { ok } from '../../core/result';
import { type Faults, withFaults } from './faults';

export interface MemoryExecutions extends Executions {
  began(operation: string): void;
  ended(operation: string): void;
}

export function createMemoryExecutions({ faults }: { faults?: Faults } = {}): MemoryExecutions {
  const alive = new Set<string>();
  const executions: Executions = { running: async (operation) => ok(alive.has(operation)) };
  return {
    ...withFaults('Executions', executions, faults),
    began: (operation) => void alive.add(operation),
    ended: (operation) => void alive.delete(operation),
  };
}
