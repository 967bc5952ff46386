// The steps of an operation as its journal entries tell of them: which step wrote one, under which name an operator knows it, and
// what kind of operation it was. Pure.

import type { OperationKind } from '../core/model';
import { isTogether, type Plan, type PlanStep } from '../core/plan';
import type { JournalEntry } from '../core/ports';
import { plans } from '../workflows/plans';

/** Every step of a plan with the name under which an operator knows it, undo steps included. */
function titlesOf(plan: Plan): Map<string, string> {
  const steps: PlanStep[] = plan.entries.flatMap((entry) => (isTogether(entry) ? entry.together : [entry]));
  const undos = steps.flatMap(({ undo }) => (undo ? [undo] : []));
  const asked = steps.flatMap(({ ask }) => (ask ? [ask] : []));
  return new Map([...steps, ...asked, ...undos, plan.afterUndo, plan.page].map(({ step, name }) => [step, name]));
}

export const titles = {
  failback: titlesOf(plans.failback),
  switchover: titlesOf(plans.switchover),
  failover: titlesOf(plans.failover),
  recover: titlesOf(plans.recover),
  settle: titlesOf(plans.settle),
} satisfies Record<OperationKind, Map<string, string>>;

/** The step that wrote the entry, or null when something else did. */
export const stepOf = (entry: JournalEntry): string | null =>
  entry.actor.startsWith('step:') ? entry.actor.slice('step:'.length) : null;

/** The plan's name of the entry's step; who wrote it when it is none. */
export function titleOf(entry: JournalEntry, kind: OperationKind | null): string {
  const step = stepOf(entry);
  if (step === null) return entry.actor;
  const known = kind === null ? Object.values(titles).find((plan) => plan.has(step)) : titles[kind];
  return known?.get(step) ?? step;
}

/** Steps that only one plan has. */
const signs: Record<OperationKind, readonly string[]> = {
  failback: ['check-failback', 'begin-failback'],
  switchover: ['preflight', 'begin-switchover', 'choose-for-switchover'],
  failover: ['verify', 'claim', 'choose-after-fence'],
  recover: ['check-recover', 'begin-recover'],
  settle: ['check-settle', 'begin-settle'],
};

/** What kind of operation wrote these entries, judged by its steps: an execution may have any name. */
export function kindOf(entries: readonly JournalEntry[]): OperationKind | null {
  const steps = new Set(entries.map(stepOf));
  const kinds = Object.keys(signs) as OperationKind[];
  return kinds.find((kind) => signs[kind].some((step) => steps.has(step))) ?? null;
}
