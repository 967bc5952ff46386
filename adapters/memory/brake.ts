// The fleet's brake in memory. Port: Brake. Each method compares and writes without an await in between.

import type { Brake, BrakeState } from '../../core/brake';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { type Faults, withFaults } from './faults';

const no = (why: string) => fail(refused(`the brake's window ${why}`, 'read what is there now and decide anew'));

export function createMemoryBrake({ faults }: { faults?: Faults } = {}): Brake {
  let state: BrakeState | null = null;
  let pagedFor: string | null = null;
  const places = new Map<string, string>();
  const brake: Brake = {
    read: async () => ok(structuredClone(state)),
    configure: async (limits, clusters) => {
      state = { window: null, release: null, ...state, limits: { ...limits }, clusters };
      return ok(undefined);
    },
    open: async (was, window) => {
      if (state?.window?.id !== was?.id || state === null) return no('is another one');
      state = { ...state, window: { ...window } };
      return ok(undefined);
    },
    take: async (windowId, most) => {
      if (state?.window?.id !== windowId) return no('is another one');
      if (state.window.taken >= most) return no('is full');
      state = { ...state, window: { ...state.window, taken: state.window.taken + 1 } };
      return ok(undefined);
    },
    placeOf: async (cluster) => ok(places.get(cluster) ?? null),
    putPlace: async (cluster, windowId) => ok(void places.set(cluster, windowId)),
    mayPage: async (windowId) => {
      const first = state?.window?.id === windowId && pagedFor !== windowId;
      if (first) pagedFor = windowId;
      return ok(first);
    },
    release: async (release) => {
      if (state) state = { ...state, release: { ...release } };
      return ok(undefined);
    },
  };
  return withFaults('Brake', brake, faults);
}
