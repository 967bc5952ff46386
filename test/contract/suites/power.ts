// What every Power must do, whatever stands behind it.

import type { Power } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface PowerSubject {
  power: Power;
  script: FaultScript;
  /** A running instance, new for each subject. */
  instanceId: string;
  /** From now on an instance that is cut stays `stopping` … */
  holdStopping(): void;
  /** … until this. */
  stopped(): Promise<void>;
  /** Lets whatever goes on come to its end. */
  settle(): Promise<void>;
  terminate(): Promise<void>;
  /** Methods as the fault script sees them. */
  methods: { state: string; cut: string; start: string };
}

export function powerContract(name: string, make: () => Promise<PowerSubject>): void {
  describe(`Power: ${name}`, () => {
    it('a running instance is running, a cut one is stopped in the end, a started one runs again', async () => {
      const { power, instanceId, settle } = await make();
      expect(value(await power.state(instanceId))).toBe('running');
      value(await power.cut(instanceId));
      await settle();
      expect(value(await power.state(instanceId))).toBe('stopped');
      value(await power.start(instanceId));
      await settle();
      expect(value(await power.state(instanceId))).toBe('running');
    });

    it('T11: `stopping` is told as such and is not `stopped`', async () => {
      const { power, instanceId, holdStopping, stopped } = await make();
      holdStopping();
      value(await power.cut(instanceId));
      expect(value(await power.state(instanceId))).toBe('stopping');
      expect(value(await power.state(instanceId))).toBe('stopping');
      await stopped();
      expect(value(await power.state(instanceId))).toBe('stopped');
    });

    it('T48: cutting again what is stopping, stopped or terminated is no error', async () => {
      const { power, instanceId, holdStopping, stopped, terminate } = await make();
      holdStopping();
      value(await power.cut(instanceId));
      value(await power.cut(instanceId));
      await stopped();
      value(await power.cut(instanceId));
      expect(value(await power.state(instanceId))).toBe('stopped');
      await terminate();
      value(await power.cut(instanceId));
      expect(value(await power.state(instanceId))).toBe('terminated');
    });

    it('starting what runs is no error; starting what is still stopping is Refused with the state', async () => {
      const { power, instanceId, holdStopping } = await make();
      value(await power.start(instanceId));
      holdStopping();
      value(await power.cut(instanceId));
      expect(problem(await power.start(instanceId))).toMatchObject({ code: 'Refused', details: { state: 'stopping' } });
    });

    it('T19: an instance that nobody knows is Broken, never taken for stopped', async () => {
      const { power } = await make();
      const unknown = 'i-00000000000000000';
      expect(problem(await power.state(unknown)).code).toBe('Broken');
      expect(problem(await power.cut(unknown)).code).toBe('Broken');
      expect(problem(await power.start(unknown)).code).toBe('Broken');
    });

    it('T3, T13: without an answer every call is Unreachable, whether it happened or not', async () => {
      const { power, script, instanceId, methods, settle } = await make();
      for (const fault of ['timeout-before', 'throttle'] as const) {
        script.next(methods.state, fault);
        expect(problem(await power.state(instanceId)).code).toBe('Unreachable');
        script.next(methods.cut, fault);
        expect(problem(await power.cut(instanceId)).code).toBe('Unreachable');
        await settle();
        expect(value(await power.state(instanceId))).toBe('running');
      }
      script.next(methods.cut, 'timeout-after');
      expect(problem(await power.cut(instanceId)).code).toBe('Unreachable');
      await settle();
      expect(value(await power.state(instanceId))).toBe('stopped');
    });
  });
}
