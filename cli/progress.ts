// Journal entries of an operation as the lines that an operator reads while it runs, in the spirit of seed 003.
// Pure: entry in, lines out. Shared by switch, failover, recover, history and the demo.

import type { Evaluation } from '../core/candidates';
import type { OperationKind } from '../core/model';
import { isTogether, type Plan, type PlanStep } from '../core/plan';
import type { JournalEntry } from '../core/ports';
import { plans } from '../workflows/plans';
import { durationText, type Paint, plain } from './output';
import { timeOfDay } from './times';

/** Every step of a plan with the name under which an operator knows it, undo steps included. */
function titlesOf(plan: Plan): Map<string, string> {
  const steps: PlanStep[] = plan.entries.flatMap((entry) => (isTogether(entry) ? entry.together : [entry]));
  const undos = steps.flatMap(({ undo }) => (undo ? [undo] : []));
  return new Map([...steps, ...undos, plan.afterUndo, plan.page].map(({ step, name }) => [step, name]));
}

const titles = {
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

const evaluationsIn = ({ details }: JournalEntry): Evaluation[] =>
  Array.isArray(details?.evaluations) ? (details.evaluations as Evaluation[]) : [];

/** `db2 (stored=50331648, applied=50331648, lag=0)`: positions as the engine counts, so that they can be compared. */
export const evaluationText = ({ node, receivedBytes, appliedBytes, lagBytes, because }: Evaluation): string =>
  `EVALUATING ${node}(stored=${receivedBytes ?? '?'}, applied=${appliedBytes ?? '?'}, lag=${lagBytes ?? '?'}): ${because}`;

export interface ProgressStyle {
  kind: OperationKind | null;
  paint?: Paint;
}

const indent = ' '.repeat(14);
const widestTitle = (kind: OperationKind | null): number =>
  // Undo lines and the longest explanations may stick out: most lines stay short.
  Math.min(43, Math.max(...[...titles[kind ?? 'switchover'].values()].map(({ length }) => length)));

/** One line for the entry; for the choice of a candidate one more per candidate and one for the selected. */
export function progressLines(entry: JournalEntry, { kind, paint = plain }: ProgressStyle): string[] {
  const time = paint.dim(timeOfDay(entry.at));
  const title = titleOf(entry, kind).padEnd(widestTitle(kind));
  const evaluations = evaluationsIn(entry);
  const took = entry.ms === undefined ? '' : paint.dim(` (${durationText(entry.ms)})`);
  const head = (text: string) => `${time}  ${title}  ${text}${took}`;
  if (entry.kind === 'refusal') return [head(refusal(entry, paint))];
  if (evaluations.length === 0) return [head(entry.because)];
  const selected = entry.details?.candidate;
  return [
    head(`${evaluations.length} nodes evaluated`),
    ...evaluations.map((evaluation) => `${indent}${stroke(evaluation, paint)(evaluationText(evaluation))}`),
    ...(typeof selected === 'string' ? [`${indent}${paint.bold(`SELECTED ${selected}@${entry.cluster}`)}`] : []),
  ];
}

const stroke = ({ eligible }: Evaluation, paint: Paint) => (eligible ? paint.green : paint.dim);

/** Retry.* is tried again by itself and is no news to worry about. */
function refusal({ rule, because }: JournalEntry, paint: Paint): string {
  return rule.startsWith('Retry.') ? paint.yellow(`not yet: ${because}`) : paint.red(`${rule}: ${because}`);
}
