// Power of instances in memory, with EC2's semantics: a cut is only asked for, and `stopping` lasts (T11). Port: Power.
// `onChange` lets a simulation kill what runs on the instance. Must never skip a state.

import type { Clock, Cut, Outside, Power, PowerState } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken, refused } from '../problems';
import { type Faults, withFaults } from './faults';

export interface MemoryPowerOptions {
  clock: Clock;
  instanceIds: readonly string[];
  /** How long `stopping` and `pending` last, in ms. */
  stopMs?: number;
  startMs?: number;
  faults?: Faults;
  onChange?: (instanceId: string, state: PowerState) => void;
}

export interface MemoryPower extends Power {
  /** What happens to an instance from outside: terminated, stopped by a person, … */
  set(instanceId: string, state: PowerState): void;
}

export function createMemoryPower(options: MemoryPowerOptions): MemoryPower {
  const { clock, instanceIds, stopMs = 0, startMs = 0, faults, onChange } = options;
  const states = new Map<string, PowerState>(instanceIds.map((id) => [id, 'running']));
  const set = (instanceId: string, state: PowerState) => {
    states.set(instanceId, state);
    onChange?.(instanceId, state);
  };
  const unknown = (id: string) => fail(broken(`EC2 does not know ${id}`, 'correct instanceId in the configuration'));
  const pass = (id: string, over: PowerState, to: PowerState, ms: number) => {
    set(id, over);
    // Something else may have happened to the instance meanwhile.
    void clock.sleep(ms).then(() => states.get(id) === over && set(id, to));
  };
  const wrongState = (id: string, state: PowerState) =>
    fail(refused(`${id} is ${state}`, 'wait for a lasting state and ask again', { state }));

  const stateOf = (id: string): Awaited<Outside<PowerState>> => {
    const state = states.get(id);
    return state ? ok(state) : unknown(id);
  };
  const cut = (id: string): Awaited<Outside<Cut>> => {
    const state = states.get(id);
    if (state === undefined) return unknown(id);
    if (state === 'pending') return wrongState(id, state);
    if (state === 'running') pass(id, 'stopping', 'stopped', stopMs);
    return ok('at-once');
  };

  const power: Power = {
    state: async (id) => stateOf(id),
    states: async (ids) => ok(new Map(ids.map((id) => [id, stateOf(id)]))),
    cut: async (ids) => ok(new Map(ids.map((id) => [id, cut(id)]))),
    start: async (id) => {
      const state = states.get(id);
      if (state === undefined) return unknown(id);
      if (state === 'stopped') pass(id, 'pending', 'running', startMs);
      return state === 'stopped' || state === 'pending' || state === 'running' ? ok(undefined) : wrongState(id, state);
    },
  };
  return { ...withFaults('Power', power, faults), set };
}
