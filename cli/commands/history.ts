// mainstay history: the journal as a story, operation by operation: what happened, when, why, how long it took.

import { configOf } from '../../desk/cluster';
import { type Group, grouped, type Outcome, outcomeOf } from '../../desk/outcome';
import { failure, must } from '../../desk/problems';
import { durationText } from '../../desk/texts';
import { type Define, examples, wholeNumber } from '../command';
import type { Paint } from '../output';
import { progressLines } from '../progress';
import type { Session } from '../session';

export interface HistoryOptions {
  cluster: string;
  operation?: string;
  limit: number;
}

export const defineHistory: Define = (program, act) => {
  program
    .command('history')
    .summary('what happened, when, why, and how long it took')
    .description('Show the journal of a cluster, oldest first, grouped by operation.')
    .argument('<cluster>')
    .option('--operation <name>', 'only this execution')
    .option('--limit <number>', 'only the newest entries', wholeNumber, 100)
    .addHelpText('after', examples(['history alpha', 'history alpha --operation alpha-switchover-3f9a01bc']))
    .action((cluster: string, options: Omit<HistoryOptions, 'cluster'>) =>
      act((session) => runHistory({ cluster, ...options }, session)),
    );
};

export async function runHistory(options: HistoryOptions, { desk, screen }: Session): Promise<void> {
  const { cluster, operation, limit } = options;
  await configOf(desk, cluster);
  const filter = { limit, ...(operation === undefined ? {} : { operation }) };
  const entries = must(await desk.journal.list(cluster, filter));
  if (operation !== undefined && entries.length === 0) {
    throw failure('BadInput', `no entry of ${cluster} belongs to '${operation}'`, `see: mainstay history ${cluster}`);
  }
  const groups = grouped(entries).map((group) => ({ ...group, outcome: outcomeOfGroup(group) }));
  if (groups.length === 0) screen.line(`nothing has happened to ${cluster} yet`);
  groups.forEach((group, index) => {
    if (index > 0) screen.line();
    for (const line of drawGroup(group, screen.paint)) screen.line(line);
  });
  screen.document({ cluster, groups });
}

const outcomeOfGroup = ({ operation, entries }: Group): Outcome | null =>
  operation === null ? null : outcomeOf(operation, entries);

function drawGroup({ outcome, entries }: Group & { outcome: Outcome | null }, paint: Paint): string[] {
  const lines = entries.flatMap((entry) => progressLines(entry, { kind: outcome?.kind ?? null, paint }));
  const day = entries[0]?.at.slice(0, 10);
  const head = outcome
    ? `${day}  ${outcome.operation}  ${outcome.kind ?? ''}  ${outcome.ended.toUpperCase()} in ${durationText(outcome.ms)}`
    : `${day}  outside of operations`;
  return [paint.bold(head), ...lines.map((line) => `  ${line}`)];
}
