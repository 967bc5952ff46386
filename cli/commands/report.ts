// mainstay report: the account of one operation as Markdown that can be posted as it is; the last one when none is named.

import { configOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { type Group, grouped, outcomeOf } from '../../desk/outcome';
import { failure, must } from '../../desk/problems';
import { reportText } from '../../desk/report';
import { type Define, examples } from '../command';
import type { Session } from '../session';

export interface ReportOptions {
  cluster: string;
  operation?: string;
}

/** Enough for the last operation: one writes a few dozen entries. */
const recentEntries = 500;

export const defineReport: Define = (program, act) => {
  program
    .command('report')
    .summary('the account of one operation, ready to be posted')
    .description('Write what happened in an operation: who asked, how long nobody could write, what was lost, why.')
    .argument('<cluster>')
    .option('--operation <name>', 'the execution (default: the last one)')
    .addHelpText('after', examples(['report alpha', 'report alpha --operation alpha-failover-e1-r3-0 > incident.md']))
    .action((cluster: string, options: Omit<ReportOptions, 'cluster'>) =>
      act((session) => runReport({ cluster, ...options }, session)),
    );
};

export async function runReport(options: ReportOptions, { desk, screen }: Session): Promise<void> {
  const { cluster } = options;
  await configOf(desk, cluster);
  const { operation, entries } = await operationOf(desk, options);
  const execution = must(await desk.operations.describe(operation));
  const outcome = outcomeOf(operation, entries, execution ? { execution } : {});
  for (const line of reportText(cluster, outcome, entries)) screen.line(line);
  screen.document({ cluster, ...outcome, entries });
}

async function operationOf(desk: Desk, { cluster, operation }: ReportOptions): Promise<Group & { operation: string }> {
  const filter = { limit: recentEntries, ...(operation === undefined ? {} : { operation }) };
  const found = grouped(must(await desk.journal.list(cluster, filter))).findLast((group) => group.operation !== null);
  if (found?.operation) return { ...found, operation: found.operation };
  throw failure(
    'BadInput',
    operation === undefined
      ? `${cluster} has had no operation yet`
      : `no entry of ${cluster} belongs to '${operation}'`,
    `see: mainstay history ${cluster}`,
  );
}
