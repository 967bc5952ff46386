// What every Executions must do, whatever stands behind it.

import type { Executions } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface ExecutionsSubject {
  executions: Executions;
  script: FaultScript;
  /** Of the first or the second kind of operation. */
  begin(operation: string, kind: 0 | 1): Promise<void>;
  end(operation: string, kind: 0 | 1): Promise<void>;
  ask: string;
}

export function executionsContract(name: string, make: () => Promise<ExecutionsSubject>): void {
  let operations = 0;
  const anOperation = () => {
    operations += 1;
    return `shop-${operations}-1`;
  };

  describe(`Executions: ${name}`, () => {
    it.each([0, 1] as const)('T50: an operation of kind %i runs from its beginning to its end', async (kind) => {
      const { executions, begin, end } = await make();
      const operation = anOperation();
      await begin(operation, kind);
      expect(value(await executions.running(operation))).toBe(true);
      await end(operation, kind);
      expect(value(await executions.running(operation))).toBe(false);
    });

    it('an operation that never existed does not run', async () => {
      const { executions } = await make();
      expect(value(await executions.running(anOperation()))).toBe(false);
    });

    it('an operation whose id cannot be an execution name does not run', async () => {
      const { executions } = await make();
      for (const id of ['', 'with space', 'a/b', 'x'.repeat(81)])
        expect(value(await executions.running(id))).toBe(false);
    });

    it('T50: without an answer it is Unreachable, never "not running"', async () => {
      const { executions, script, begin, ask } = await make();
      const operation = anOperation();
      await begin(operation, 1);
      for (const fault of ['timeout-before', 'timeout-after', 'throttle'] as const) {
        script.next(ask, fault);
        expect(problem(await executions.running(operation)).code).toBe('Unreachable');
      }
    });
  });
}
