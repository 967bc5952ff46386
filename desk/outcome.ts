// How an operation ended, judged from its journal entries and, where it is at hand, from its execution's output.
// Pure. The journal is best effort, so everything here has a fallback and nothing acts on it.

import { jsonIn } from '../core/errors';
import type { OperationKind } from '../core/model';
import type { JournalEntry } from '../core/ports';
import { type Measures, measured } from './measures';
import type { Execution } from './operations';
import { kindOf, stepOf, titleOf } from './steps';
import { betweenMs } from './times';

export type Ended =
  /** As far as the journal tells, it goes on. */
  'running' | 'done' | 'degraded' | 'refused' | 'undone' | 'paged';

export interface Outcome extends Measures {
  operation: string;
  kind: OperationKind | null;
  ended: Ended;
  from: string | null;
  to: string | null;
  epochBefore: number | null;
  epochAfter: number | null;
  /** recover: how the node came back. */
  method: string | null;
  /** What did not follow in time: the main serves all the same. */
  degraded: string[];
  startedAt: string | null;
  ms: number;
  /** The last thing that was said. */
  because: string;
  steps: { name: string; step: string; ms: number; because: string }[];
}

const lastDetail = (entries: readonly JournalEntry[], key: string): string | null => {
  const found = entries.findLast(({ details }) => typeof details?.[key] === 'string');
  return found ? String(found.details?.[key]) : null;
};

function endedBy(entries: readonly JournalEntry[]): Ended {
  const entry = (step: string) => entries.findLast((e) => stepOf(e) === step && e.kind === 'step');
  const end = entry('end');
  if (end) return end.details?.outcome === 'degraded' ? 'degraded' : 'done';
  if (entry('page')) return 'paged';
  const abort = entry('abort');
  if (!abort) return 'running';
  return abort.because.startsWith('undone') ? 'undone' : 'refused';
}

/** The reason for a refusal or an undo is the step's, not the undo list's. */
function reason(entries: readonly JournalEntry[]): string {
  const refused = entries.findLast(({ kind, rule }) => kind === 'refusal' && !rule.startsWith('Retry.'));
  return (refused ?? entries.at(-1))?.because ?? '';
}

function stepsOf(entries: readonly JournalEntry[], kind: OperationKind | null): Outcome['steps'] {
  return entries.flatMap((entry) => {
    const step = stepOf(entry);
    return step === null ? [] : [{ name: titleOf(entry, kind), step, ms: entry.ms ?? 0, because: entry.because }];
  });
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const count = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** `entries`: those of one operation, oldest first. `ms` is what the caller measured, if it did. */
export function outcomeOf(
  operation: string,
  entries: readonly JournalEntry[],
  { execution, ms }: { execution?: Execution; ms?: number } = {},
): Outcome {
  const kind = kindOf(entries);
  const output = jsonIn(execution?.output) ?? {};
  const ended = endedBy(entries);
  const epochs = entries.map(({ epoch }) => epoch);
  const [first, last] = [entries[0], entries.at(-1)];
  return {
    operation,
    kind,
    ended: execution?.status === 'SUCCEEDED' && ended === 'running' ? 'done' : ended,
    from: text(output.oldMain) ?? lastDetail(entries, 'oldMain'),
    to: text(output.candidate) ?? lastDetail(entries, 'candidate') ?? text(output.node),
    epochBefore: count(output.epochBefore) ?? (epochs.length > 0 ? Math.min(...epochs) : null),
    epochAfter: count(output.epoch) ?? (epochs.length > 0 ? Math.max(...epochs) : null),
    method: lastDetail(entries, 'method'),
    degraded: Array.isArray(output.degraded) ? output.degraded.map(String) : [],
    startedAt: first?.at ?? null,
    ms: ms ?? (first && last ? betweenMs(first.at, last.at) + (first.ms ?? 0) : 0),
    because: ended === 'done' || ended === 'running' ? (last?.because ?? '') : reason(entries),
    steps: stepsOf(entries, kind),
    ...measured(entries),
  };
}

export interface Group {
  /** null: entries that belong to no operation. */
  operation: string | null;
  entries: JournalEntry[];
}

/** Entries of one operation stay together, at the place where it began; the others stay in order between them. */
export function grouped(entries: readonly JournalEntry[]): Group[] {
  const groups: Group[] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    const own = groups.find(({ operation }) => operation !== null && operation === entry.operation);
    const group = entry.operation === null && last?.operation === null ? last : own;
    if (group) group.entries.push(entry);
    else groups.push({ operation: entry.operation, entries: [entry] });
  }
  return groups;
}
