// One operation as a page that can be posted as it is: what happened, who asked, how long nobody could write, what was lost,
// why this node, every step. Pure: outcome and entries in, Markdown out.

import type { Evaluation } from '../core/candidates';
import type { JournalEntry } from '../core/ports';
import type { Outcome } from './outcome';
import { byteText, durationText } from './texts';
import { timeOfDay } from './times';

/** A cell must not end its row. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  row(head),
  `|${head.map(() => '---|').join('')}`,
  ...rows.map(row),
];

const words: Record<Outcome['ended'], string> = {
  running: 'still running',
  done: 'done',
  degraded: 'done, degraded',
  refused: 'refused: nothing was changed',
  undone: 'failed and undone: same main, same epoch',
  paged: 'failed, and needs a person',
};

function gapText({ writeGap }: Outcome): string {
  if (!writeGap) return 'not interrupted, or not in the journal';
  const { bound, ms, from, until, confirmed } = writeGap;
  const written = confirmed
    ? `; a write through the VIP had been seen at ${timeOfDay(confirmed)}`
    : '; NO write through the VIP was seen';
  return `${bound} ${durationText(ms)}, ${timeOfDay(from)} to ${timeOfDay(until)}${written}`;
}

function lossText({ kind, ended, loss, from }: Outcome): string {
  if ((kind === 'switchover' || kind === 'failback') && ended !== 'running')
    return 'nothing: the new main had everything before it took over';
  if (!loss) return 'nothing that the journal knows of';
  const sampled = loss.sampledAt ? `by its report of ${timeOfDay(loss.sampledAt)}` : 'and it had never reported';
  return `at least ${byteText(loss.atLeastBytes)} ${sampled}, and whatever ${from ?? 'the old main'} acknowledged after that`;
}

const epochs = ({ epochBefore, epochAfter }: Outcome): string =>
  epochBefore === epochAfter ? `${epochAfter}` : `${epochBefore} -> ${epochAfter}`;

function facts(outcome: Outcome): string[][] {
  const { operation, by, reason, ended, startedAt, ms, proof, degraded, kind } = outcome;
  const moves = kind === 'switchover' || kind === 'failover' || kind === 'failback';
  return [
    ['operation', operation],
    ['asked for by', `${by ?? 'unknown'}${reason ? `: ${reason}` : ''}`],
    ['outcome', words[ended]],
    ['epoch', epochs(outcome)],
    ['begun', `${startedAt ?? 'unknown'}, took ${durationText(ms)}`],
    ...(moves ? [['no writes for', gapText(outcome)]] : []),
    ...(moves ? [['lost', lossText(outcome)]] : []),
    ...(proof ? [['old main stopped', proof.evidence]] : []),
    ...(degraded.length > 0 ? [['did not follow', degraded.join(', ')]] : []),
    ...(ended === 'done' ? [] : [['reason', outcome.because]]),
  ];
}

const evaluationsOf = (entries: readonly JournalEntry[]): Evaluation[] =>
  (entries.findLast(({ details }) => Array.isArray(details?.evaluations))?.details?.evaluations ?? []) as Evaluation[];

const candidateRows = (evaluations: readonly Evaluation[], chosen: string | null): string[][] =>
  evaluations.map(({ node, eligible, receivedBytes, lagBytes, because }) => [
    node,
    node === chosen ? 'chosen' : eligible ? 'could have' : 'could not',
    receivedBytes === null ? '?' : String(receivedBytes),
    byteText(lagBytes),
    because,
  ]);

const stepRows = (entries: readonly JournalEntry[], outcome: Outcome): string[][] =>
  entries.map(({ at, actor, rule, ms, because }) => [
    timeOfDay(at),
    outcome.steps.find(({ step }) => actor === `step:${step}`)?.name ?? actor,
    rule,
    ms === undefined ? '' : durationText(ms),
    because,
  ]);

export function reportText(cluster: string, outcome: Outcome, entries: readonly JournalEntry[]): string[] {
  const { kind, from, to, ended } = outcome;
  const evaluations = evaluationsOf(entries);
  const way = from && to && from !== to ? `: ${from} -> ${to}` : to ? `: ${to}` : '';
  return [
    `# ${kind ?? 'operation'} of ${cluster}${way} (${words[ended]})`,
    '',
    ...table(['', ''], facts(outcome)),
    ...(evaluations.length === 0
      ? []
      : [
          '',
          '## Who could take over',
          '',
          ...table(['node', '', 'position', 'behind', 'why'], candidateRows(evaluations, to)),
        ]),
    '',
    '## What happened',
    '',
    ...table(['time (UTC)', 'step', 'rule', 'took', 'what and why'], stepRows(entries, outcome)),
  ];
}
