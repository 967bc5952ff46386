// Faults that a test writes down: the next calls that match meet them, one each; everything else passes untouched.
// Also what others do in between: an action that runs just before the next call of a method reaches the endpoint.

import type { Call, Fault, Faults } from '../../adapters/memory/faults';

export interface FaultScript extends Faults {
  /** The next call of a method whose name begins with `method` (in any case) meets `fault`. */
  next(method: string, fault: Fault): void;
  /** Runs just before the next call of such a method. */
  just(method: string, action: () => unknown): void;
  /** What was called, in order. */
  calls: Call[];
}

export function createFaultScript(): FaultScript {
  const planned: { method: string; fault: () => Fault | Promise<Fault> }[] = [];
  const calls: Call[] = [];
  return {
    calls,
    next: (method, fault) => void planned.push({ method, fault: () => fault }),
    just: (method, action) =>
      void planned.push({
        method,
        fault: async () => {
          await action();
          return null;
        },
      }),
    before: async (call) => {
      calls.push(call);
      const index = planned.findIndex(({ method }) => call.method.toLowerCase().startsWith(method.toLowerCase()));
      return index < 0 ? null : ((await planned.splice(index, 1)[0]?.fault()) ?? null);
    },
  };
}
