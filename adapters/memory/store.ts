// The one table in memory: lease store, reports, settings and journal over it, with DynamoDB's semantics.
// What is put is copied and frozen, so that readers may share it and nobody changes what is stored. Must never answer from
// a stale copy.

import type { ZodMiniType } from 'zod/mini';
import type { OutsideProblem } from '../../core/errors';
import type { Journal, LeaseStore, Reports, Settings, Waits } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { parsed } from '../records';
import { type Faults, withFaults } from './faults';
import { createMemoryJournal } from './journal';
import { createMemoryLeaseStore } from './lease-store';
import { createMemoryReports } from './reports';
import { createMemorySettings } from './settings';
import { createMemoryWaits } from './waits';

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
  waits: Waits;
  journal: Journal;
  /** Direct access, without faults: for tests that plant or look. */
  table: MemoryTable;
}

/** As strings sort in DynamoDB: by their bytes, not by a language. */
const byKey = (a: { sk: string }, b: { sk: string }): number => (a.sk < b.sk ? -1 : a.sk > b.sk ? 1 : 0);

/** A deep copy that cannot be changed. Plain data only, as it is stored. */
function frozen<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) if (part !== undefined) copy[key] = frozen(part);
  return Object.freeze(copy) as T;
}

/** Stored items that were found to fit their shape: as they cannot change, once is enough. */
const sound = new WeakSet<object>();

/** The item as what it should be, or what is wrong with it. */
export function checked<T extends object>(
  shape: ZodMiniType<T>,
  what: string,
  item: Record<string, unknown>,
): Result<T, OutsideProblem> {
  if (sound.has(item)) return ok(item as T);
  const result = parsed(shape, what, item);
  if (!result.ok) return fail(result.error);
  sound.add(item);
  return ok(item as T);
}

function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Record<string, unknown>>>();
  const partition = (pk: string) => partitions.get(pk) ?? new Map<string, Record<string, unknown>>();
  let last = 0;
  return {
    next: () => {
      last += 1;
      return last;
    },
    get: (pk, sk) => partition(pk).get(sk) ?? null,
    put: (pk, sk, item) => {
      partitions.set(pk, partition(pk).set(sk, frozen({ ...item })));
    },
    list: (pk, prefix) =>
      [...partition(pk)]
        .filter(([sk]) => sk.startsWith(prefix))
        .map(([sk, item]) => ({ sk, item }))
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
    waits: withFaults('Waits', createMemoryWaits(table), faults),
    journal: withFaults('Journal', createMemoryJournal(table), faults),
    table,
  };
}
