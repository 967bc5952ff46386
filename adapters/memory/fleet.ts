// The queue and the lines of the fleet in memory. Port: Fleet. Each method compares and writes without an await in between.

import type { Fleet, Line, Wish } from '../../core/fleet';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { type Faults, withFaults } from './faults';

interface Lane {
  wishes: Map<string, Wish>;
  leader: { leader: string; untilMs: number } | null;
}

const asStored = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const byId = (a: Wish, b: Wish): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export function createMemoryFleet({ faults }: { faults?: Faults } = {}): Fleet {
  const lines = new Map<string, Line>();
  const lanes = new Map<string, Lane>();
  const laneOf = (name: string): Lane => {
    const lane = lanes.get(name) ?? { wishes: new Map(), leader: null };
    lanes.set(name, lane);
    return lane;
  };
  const fleet: Fleet = {
    line: async (api) => ok(lines.get(api) ?? null),
    swapLine: async (api, was, next) => {
      if (lines.get(api)?.version !== was?.version)
        return fail(refused(`the line of ${api} has moved on`, 'read it again'));
      lines.set(api, { ...next });
      return ok(undefined);
    },
    put: async (lane, wish) => {
      laneOf(lane).wishes.set(wish.id, { ...asStored(wish), answer: null });
      return ok(undefined);
    },
    get: async (lane, id) => ok(laneOf(lane).wishes.get(id) ?? null),
    waiting: async (lane, most) => {
      const open = [...laneOf(lane).wishes.values()].filter(({ answer }) => answer === null);
      return ok(open.sort(byId).slice(0, most));
    },
    answer: async (lane, id, answer) => {
      const wish = laneOf(lane).wishes.get(id);
      if (wish?.answer === null) laneOf(lane).wishes.set(id, { ...wish, answer: asStored(answer) });
      return ok(undefined);
    },
    remove: async (lane, id) => ok(void laneOf(lane).wishes.delete(id)),
    lead: async (lane, leader, nowMs, untilMs) => {
      const there = laneOf(lane).leader;
      if (there && there.leader !== leader && there.untilMs > nowMs) return ok(false);
      laneOf(lane).leader = { leader, untilMs };
      return ok(true);
    },
    leave: async (lane, leader) => {
      if (laneOf(lane).leader?.leader === leader) laneOf(lane).leader = null;
      return ok(undefined);
    },
  };
  return withFaults('Fleet', fleet, faults);
}
