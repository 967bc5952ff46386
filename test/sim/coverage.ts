// What the histories have met: rules, transitions, steps, faults and traps, each counted. A part that no history meets is not
// tested by any, so every one must have been hit.

import { failsafeRules } from '../../core/failsafe';
import { type Transition, transitions } from '../../core/lease';
import type { JournalEntry } from '../../core/ports';
import { replicationRules } from '../../core/replication';
import { rules } from '../../core/rules';
import { steps } from '../../workflows/steps';
import { callFaults } from './calls';
import { stepFaults } from './cloud';
import { lasting, strikes } from './faults';

export type Counts = Record<string, number>;

export interface CoverageTables {
  rules: Counts;
  transitions: Counts;
  steps: Counts;
  faults: Counts;
  traps: Counts;
}

const messageFaults = ['event', 'poke', 'status event'].flatMap((what) =>
  ['lost', 'late', 'twice'].map((how) => `${what} ${how}`),
);

/** Traps that a fault makes the protocol meet. */
const trapsOfFaults: Record<string, readonly string[]> = {
  ...Object.fromEntries(Object.entries({ ...strikes, ...lasting }).map(([name, { traps }]) => [name, traps])),
  'request lost': ['T13'],
  'reply lost': ['T3'],
  throttled: ['T13', 'T66'],
  'sent twice': ['T3'],
  'arrives late': ['T3', 'T48'],
  slow: ['T2', 'T13'],
  'step runs twice': ['T48'],
  'step runs twice at once': ['T48'],
  'step dies half-way': ['T50'],
  'step goes on after its time': ['T5', 'T48'],
  'step starts late': ['T13'],
  'status event lost': ['T50'],
  'event late': ['T67'],
  'event twice': ['T49', 'T67'],
  'poke late': ['T57'],
};

/** Traps that show in what the protocol wrote down. */
// biome-ignore format: a table
const trapsOfEntries: Record<string, (entry: JournalEntry) => boolean> = {
  T11: ({ rule, details }) => rule === 'fence' && details?.how === 'power-off',
  T27: ({ details }) => Number((details?.loss as { atLeastBytes?: number } | undefined)?.atLeastBytes ?? 0) > 0,
  T47: ({ rule }) => rule === 'confirm',
  T51: ({ actor }) => actor === 'step:page',
  T52: ({ actor, kind }) => actor === 'step:reopen' && kind === 'refusal',
  T56: ({ details }) => details?.outcome === 'degraded',
  T63: ({ rule }) => rule === 'Undo.NoCandidate',
};

const zero = (names: readonly string[]): Counts => Object.fromEntries(names.map((name) => [name, 0]));

/** Counts of what `changed` allowed, of this process. The wrapping is the simulation's: the table is data. */
const allowed = zero(Object.keys(transitions));
for (const [name, transition] of Object.entries(transitions as Record<string, Transition>)) {
  const { change } = transition;
  transition.change = (lease, request) => {
    allowed[name] = (allowed[name] ?? 0) + 1;
    return change?.(lease, request) ?? {};
  };
}

export class Coverage {
  private readonly counts: CoverageTables = {
    rules: zero([...rules, ...replicationRules, ...failsafeRules].map(({ id }) => id)),
    transitions: { ...allowed },
    steps: zero(Object.keys(steps)),
    faults: zero([
      ...Object.keys(strikes),
      ...Object.keys(lasting),
      ...Object.keys(callFaults),
      ...Object.keys(stepFaults),
      ...messageFaults,
    ]),
    traps: zero([...new Set([...Object.values(trapsOfFaults).flat(), ...Object.keys(trapsOfEntries)])]),
  };

  rule(id: string): void {
    add(this.counts.rules, id);
  }

  step(name: string): void {
    add(this.counts.steps, name);
  }

  fault(name: string): void {
    add(this.counts.faults, name);
    for (const trap of trapsOfFaults[name] ?? []) add(this.counts.traps, trap);
  }

  entry(entry: JournalEntry): void {
    for (const [trap, shows] of Object.entries(trapsOfEntries)) if (shows(entry)) add(this.counts.traps, trap);
  }

  /** What this history alone has met. */
  tables(): CoverageTables {
    const { transitions: before } = this.counts;
    const since = Object.fromEntries(
      Object.entries(allowed).map(([name, count]) => [name, count - (before[name] ?? 0)]),
    );
    return { ...this.counts, transitions: since };
  }
}

function add(counts: Counts, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

export const emptyTables = (): CoverageTables => {
  const { rules: r, steps: s, faults: f, traps: t } = new Coverage().tables();
  return { rules: r, transitions: zero(Object.keys(transitions)), steps: s, faults: f, traps: t };
};

/** Adds `more` to `total`. */
export function addTables(total: CoverageTables, more: CoverageTables): void {
  for (const [table, counts] of Object.entries(more) as [keyof CoverageTables, Counts][]) {
    for (const [name, count] of Object.entries(counts)) add(total[table], name, count);
  }
}

/** `rules R100, faults disk full`: what was never met; empty when nothing is missing. */
export const neverMet = (tables: CoverageTables): string[] =>
  Object.entries(tables).flatMap(([table, counts]) =>
    Object.entries(counts as Counts).flatMap(([name, count]) => (count === 0 ? [`${table} ${name}`] : [])),
  );
