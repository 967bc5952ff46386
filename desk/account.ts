// One operation from its entries in the journal and its execution: what a report is made of. The last one when none is named. Reads only.

import type { JournalEntry } from '../core/ports';
import { configOf } from './cluster';
import type { Desk } from './desk';
import { type Group, grouped, type Outcome, outcomeOf } from './outcome';
import { failure, must } from './problems';

/** Enough for the last operation: one writes a few dozen entries. */
const recentEntries = 500;

export interface Account {
  outcome: Outcome;
  entries: JournalEntry[];
}

export async function accountOf(desk: Desk, cluster: string, named?: string): Promise<Account> {
  await configOf(desk, cluster);
  const { operation, entries } = await operationOf(desk, cluster, named);
  const execution = must(await desk.operations.describe(operation));
  return { outcome: outcomeOf(operation, entries, execution ? { execution } : {}), entries };
}

async function operationOf(desk: Desk, cluster: string, named?: string): Promise<Group & { operation: string }> {
  const filter = { limit: recentEntries, ...(named === undefined ? {} : { operation: named }) };
  const found = grouped(must(await desk.journal.list(cluster, filter))).findLast((group) => group.operation !== null);
  if (found?.operation) return { ...found, operation: found.operation };
  throw failure(
    'BadInput',
    named === undefined ? `${cluster} has had no operation yet` : `no entry of ${cluster} belongs to '${named}'`,
    `see: mainstay history ${cluster}`,
  );
}
