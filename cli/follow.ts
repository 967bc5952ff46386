// Waits for an execution and tells what it does, entry by entry. Reads only: stopping to follow stops nothing.
// The journal is what is shown, the execution's status is what decides.

import type { JournalEntry } from '../core/ports';
import type { Desk } from '../desk/desk';
import type { Execution } from '../desk/operations';
import { failure, must } from '../desk/problems';
import type { Session } from './session';

export const pollMs = 200;
/** The newest entries of the cluster: one page. An operation writes a few dozen, and we look five times a second. */
const pageEntries = 100;
/** 50 looks of 200 ms without an answer are at least 10 s. */
const patienceLooks = 50;

export interface Followed {
  execution: Execution;
  entries: JournalEntry[];
}

export interface FollowRequest {
  cluster: string;
  operation: string;
  timeoutMs: number;
  onEntry: (entry: JournalEntry) => void;
}

/** Until the execution is over. Ends the command when that takes longer than the time-out, or after Ctrl-C. */
export async function follow(
  { desk, interrupted }: Pick<Session, 'desk' | 'interrupted'>,
  request: FollowRequest,
): Promise<Followed> {
  const deadlineAtMs = desk.clock.nowMs() + request.timeoutMs;
  const teller = createTeller(desk, request);
  for (let silentLooks = 0; ; ) {
    const described = await desk.operations.describe(request.operation);
    await teller.tell();
    silentLooks = described.ok ? 0 : silentLooks + 1;
    if (silentLooks >= patienceLooks) must(described);
    // An execution that was just started may not be known everywhere yet.
    if (described.ok && described.value !== null && described.value.status !== 'RUNNING') {
      await teller.tell();
      return { execution: described.value, entries: teller.told };
    }
    if (interrupted() || desk.clock.nowMs() >= deadlineAtMs) throw stillRunning(request);
    await desk.clock.sleep(pollMs);
  }
}

function stillRunning({ cluster, operation }: FollowRequest) {
  return failure(
    'InProgress',
    `${operation} goes on without being watched`,
    `follow it: mainstay history ${cluster} --operation ${operation}`,
    operation,
  );
}

interface Teller {
  told: JournalEntry[];
  /** Tells what has come since. */
  tell(): Promise<void>;
}

function createTeller({ journal }: Desk, { cluster, operation, onEntry }: FollowRequest): Teller {
  const known = new Set<string>();
  const told: JournalEntry[] = [];
  const tell = async (): Promise<void> => {
    const listed = await journal.list(cluster, { limit: pageEntries });
    // A journal that cannot be read now is read again; it decides nothing.
    for (const entry of listed.ok ? listed.value : []) {
      const identity = JSON.stringify([entry.at, entry.actor, entry.rule, entry.because]);
      if (entry.operation !== operation || known.has(identity)) continue;
      known.add(identity);
      told.push(entry);
      onEntry(entry);
    }
  };
  return { told, tell };
}
