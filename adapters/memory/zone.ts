// A hosted zone in memory with Route 53's semantics: a batch of changes is checked against what is there and done wholly or not at
// all, and a DELETE has to state values and TTL exactly. The algorithm above it is the one that runs against Route 53
// (record-vip.ts). Must never be kinder than Route 53.

import type { Clock, Vip } from '../../core/ports';
import { fail, ok } from '../../core/result';
import type { NameServers } from '../name-servers';
import { broken, refused } from '../problems';
import { createRecordVip } from '../record-vip';
import type { RecordChange, RecordSet, Zone } from '../record-zone';
import { type Faults, withFaults } from './faults';

export interface MemoryZone extends Zone {
  /** What a person or another program does: replaces all record sets of the name without asking. */
  put(name: string, sets: readonly RecordSet[]): void;
  sets(name: string): RecordSet[];
  /** Changes have reached every name server from now on. */
  settle(): void;
}

export interface MemoryZoneOptions {
  zoneId: string;
  private?: boolean;
  faults?: Faults;
  nameServers?: readonly string[];
}

const same = (a: Omit<RecordSet, 'special'>, b: Omit<RecordSet, 'special'>): boolean =>
  a.type === b.type && a.ttlS === b.ttlS && [...a.values].sort().join('\n') === [...b.values].sort().join('\n');

/** The record sets after the batch, or why it is refused. */
function applied(sets: readonly RecordSet[], changes: readonly RecordChange[]): RecordSet[] | string {
  let now = [...sets];
  for (const { action, set } of changes) {
    const there = now.find(({ type }) => type === set.type);
    if (action === 'CREATE' && there) return `${set.type} already exists`;
    if (action === 'DELETE' && !there) return `${set.type} was not found`;
    if (action === 'DELETE' && there && (there.special !== null || !same(there, set)))
      return `the values for ${set.type} do not match the current values`;
    now = action === 'CREATE' ? [...now, { ...set, special: null }] : now.filter((each) => each !== there);
  }
  return now;
}

export function createMemoryZone({ zoneId, private: inside, faults, nameServers = [] }: MemoryZoneOptions): MemoryZone {
  const names = new Map<string, RecordSet[]>();
  let changes = 0;
  let settled = 0;
  const unknown = (id: string) =>
    fail(broken(`there is no hosted zone ${id} in this account`, 'correct vip.hostedZoneId in the configuration'));
  const put = (name: string, sets: readonly RecordSet[]) => void names.set(name, structuredClone([...sets]));
  const setsOf = (name: string): RecordSet[] => structuredClone(names.get(name) ?? []);
  const zone: Zone = {
    list: async (id, wanted) => (id === zoneId ? ok(new Map(wanted.map((name) => [name, setsOf(name)]))) : unknown(id)),
    change: async (id, name, batch) => {
      if (id !== zoneId) return unknown(id);
      const next = applied(setsOf(name), batch);
      if (typeof next === 'string')
        return fail(refused(`InvalidChangeBatch: ${next}`, 'read what is there now and decide anew'));
      put(name, next);
      changes += 1;
      return ok(`/change/C${changes}`);
    },
    spread: async (change) => ok(Number(change.slice('/change/C'.length)) <= settled),
    nameServers: async (id) => (id === zoneId ? ok(inside ? [] : [...nameServers]) : unknown(id)),
  };
  const settle = () => {
    settled = changes;
  };
  return { ...withFaults('Zone', zone, faults), put, sets: setsOf, settle };
}

export const createMemoryRecordVip = (zone: Zone, clock: Clock, nameServers: NameServers): Vip =>
  createRecordVip(zone, { clock, nameServers, askMs: 500, getChangeMs: 2000 });
