// What every Power must do, whatever stands behind it.

import { assert } from '../../../core/assert';
import type { Cut, Outside, Power } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface PowerSubject {
  power: Power;
  script: FaultScript;
  /** A running instance, new for each subject. */
  instanceId: string;
  /** Another one. */
  otherId: string;
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

/** The answer for this one. */
export async function cutOne(power: Power, id: string): Outside<Cut> {
  const answers = await power.cut([id]);
  if (!answers.ok) return answers;
  const answer = answers.value.get(id);
  assert(answer, `something is said of ${id}`);
  return answer;
}

export function powerContract(name: string, make: () => Promise<PowerSubject>): void {
  describe(`Power: ${name}`, () => {
    it('a running instance is running, a cut one is stopped in the end, a started one runs again', async () => {
      const { power, instanceId, settle } = await make();
      expect(value(await power.state(instanceId))).toBe('running');
      value(await cutOne(power, instanceId));
      await settle();
      expect(value(await power.state(instanceId))).toBe('stopped');
      value(await power.start(instanceId));
      await settle();
      expect(value(await power.state(instanceId))).toBe('running');
    });

    it('T11: `stopping` is told as such and is not `stopped`', async () => {
      const { power, instanceId, holdStopping, stopped } = await make();
      holdStopping();
      value(await cutOne(power, instanceId));
      expect(value(await power.state(instanceId))).toBe('stopping');
      expect(value(await power.state(instanceId))).toBe('stopping');
      await stopped();
      expect(value(await power.state(instanceId))).toBe('stopped');
    });

    it('T48: cutting again what is stopping, stopped or terminated is no error', async () => {
      const { power, instanceId, holdStopping, stopped, terminate } = await make();
      holdStopping();
      value(await cutOne(power, instanceId));
      value(await cutOne(power, instanceId));
      await stopped();
      value(await cutOne(power, instanceId));
      expect(value(await power.state(instanceId))).toBe('stopped');
      await terminate();
      value(await cutOne(power, instanceId));
      expect(value(await power.state(instanceId))).toBe('terminated');
    });

    it('starting what runs is no error; starting what is still stopping is Refused with the state', async () => {
      const { power, instanceId, holdStopping } = await make();
      value(await power.start(instanceId));
      holdStopping();
      value(await cutOne(power, instanceId));
      expect(problem(await power.start(instanceId))).toMatchObject({ code: 'Refused', details: { state: 'stopping' } });
    });

    it('T19: an instance that nobody knows is Broken, never taken for stopped', async () => {
      const { power } = await make();
      const unknown = 'i-00000000000000000';
      expect(problem(await power.state(unknown)).code).toBe('Broken');
      expect(problem(await cutOne(power, unknown)).code).toBe('Broken');
      expect(problem(await power.start(unknown)).code).toBe('Broken');
    });

    it('T3, T13: without an answer every call is Unreachable, whether it happened or not', async () => {
      const { power, script, instanceId, methods, settle } = await make();
      for (const fault of ['timeout-before', 'throttle'] as const) {
        script.next(methods.state, fault);
        expect(problem(await power.state(instanceId)).code).toBe('Unreachable');
        script.next(methods.cut, fault);
        expect(problem(await cutOne(power, instanceId)).code).toBe('Unreachable');
        await settle();
        expect(value(await power.state(instanceId))).toBe('running');
      }
      script.next(methods.cut, 'timeout-after');
      expect(problem(await cutOne(power, instanceId)).code).toBe('Unreachable');
      await settle();
      expect(value(await power.state(instanceId))).toBe('stopped');
    });

    it('of many, each has its answer; one that nobody knows, or that is pending or gone, spoils no other (T19)', async () => {
      const { power, instanceId, otherId, settle, terminate } = await make();
      const unknown = 'i-00000000000000000';
      const ids = [instanceId, unknown, otherId];
      const before = value(await power.states(ids));
      expect([...before.keys()].sort()).toEqual([...ids].sort());
      expect([instanceId, otherId].map((id) => before.get(id))).toEqual([
        { ok: true, value: 'running' },
        { ok: true, value: 'running' },
      ]);
      expect(before.get(unknown)).toMatchObject({ ok: false, error: { code: 'Broken' } });
      await terminate();
      const cut = value(await power.cut(ids));
      expect(cut.get(unknown)).toMatchObject({ ok: false, error: { code: 'Broken' } });
      expect([cut.get(instanceId)?.ok, cut.get(otherId)?.ok]).toEqual([true, true]);
      await settle();
      const after = value(await power.states(ids));
      expect([after.get(instanceId), after.get(otherId)]).toEqual([
        { ok: true, value: 'terminated' },
        { ok: true, value: 'stopped' },
      ]);
    });

    it('T13: of many, nobody is called anything without an answer', async () => {
      const { power, script, instanceId, otherId, methods, settle } = await make();
      for (const fault of ['timeout-before', 'throttle'] as const) {
        script.next(methods.state, fault);
        const answers = await power.states([instanceId, otherId]);
        const codes = answers.ok
          ? [...answers.value.values()].map((one) => !one.ok && one.error.code)
          : [answers.error.code];
        expect(new Set(codes)).toEqual(new Set(['Unreachable']));
      }
      script.next(methods.cut, 'timeout-after');
      await power.cut([instanceId, otherId]);
      await settle();
      expect(value(await power.states([instanceId, otherId])).get(otherId)).toEqual({ ok: true, value: 'stopped' });
    });
  });
}
