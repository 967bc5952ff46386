// The one table in memory: lease store, reports, settings and journal over it, with DynamoDB's semantics.
// Values are copied on the way in and out, so nobody shares an object with the store. Must never answer from a stale copy.

import type { Journal, LeaseStore, Reports, Settings } from '../../core/ports';
import { type Faults, withFaults } from './faults';
import { createMemoryJournal } from './journal';
import { createMemoryLeaseStore } from './lease-store';
import { createMemoryReports } from './reports';
import { createMemorySettings } from './settings';

/** Sort key to item, per partition; the keys are those of the real table. */
export interface MemoryTable {
  get(pk: string, sk: string): Record<string, unknown> | null;
  put(pk: string, sk: string, item: object): void;
  /** In order of the sort key. */
  list(pk: string, prefix: string): { sk: string; item: Record<string, unknown> }[];
  /** Unique per table, growing. */
  next(): number;
}

export interface MemoryStore {
  leases: LeaseStore;
  reports: Reports;
  settings: Settings;
  journal: Journal;
  /** Direct access, without faults: for tests that plant or look. */
  table: MemoryTable;
}

/** As strings sort in DynamoDB: by their bytes, not by a language. */
const byKey = (a: { sk: string }, b: { sk: string }): number => (a.sk < b.sk ? -1 : a.sk > b.sk ? 1 : 0);

function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Record<string, unknown>>>();
  const partition = (pk: string) => partitions.get(pk) ?? new Map<string, Record<string, unknown>>();
  let last = 0;
  return {
    next: () => {
      last += 1;
      return last;
    },
    get: (pk, sk) => structuredClone(partition(pk).get(sk) ?? null),
    put: (pk, sk, item) => {
      partitions.set(pk, partition(pk).set(sk, structuredClone({ ...item })));
    },
    list: (pk, prefix) =>
      [...partition(pk)]
        .filter(([sk]) => sk.startsWith(prefix))
        .map(([sk, item]) => ({ sk, item: structuredClone(item) }))
        .sort(byKey),
  };
}

export interface MemoryStoreOptions {
  faults?: Faults;
  /** Another caller's view of the same data, e.g. one node's, with that node's own faults. */
  table?: MemoryTable;
}

export function createMemoryStore({ faults, table = createMemoryTable() }: MemoryStoreOptions = {}): MemoryStore {
  return {
    leases: withFaults('LeaseStore', createMemoryLeaseStore(table), faults),
    reports: withFaults('Reports', createMemoryReports(table), faults),
    settings: withFaults('Settings', createMemorySettings(table), faults),
    journal: withFaults('Journal', createMemoryJournal(table), faults),
    table,
  };
}
