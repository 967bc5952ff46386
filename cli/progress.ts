// Journal entries of an operation as the lines that an operator reads while it runs, in the spirit of seed 003.
// Pure: entry in, lines out. Shared by every command that runs an operation, plans one or shows one.

import type { Evaluation } from '../core/candidates';
import type { OperationKind } from '../core/model';
import type { JournalEntry } from '../core/ports';
import { titleOf, titles } from '../desk/steps';
import { durationText } from '../desk/texts';
import { timeOfDay } from '../desk/times';
import { type Paint, plain } from './output';

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
