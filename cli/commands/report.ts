// mainstay report: the account of one operation as Markdown that can be posted as it is; the last one when none is named.

import { accountOf } from '../../desk/account';
import { reportText } from '../../desk/report';
import { type Define, examples } from '../command';
import type { Session } from '../session';

export interface ReportOptions {
  cluster: string;
  operation?: string;
}

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

export async function runReport({ cluster, operation }: ReportOptions, { desk, screen }: Session): Promise<void> {
  const { outcome, entries } = await accountOf(desk, cluster, operation);
  for (const line of reportText(cluster, outcome, entries)) screen.line(line);
  screen.document({ cluster, ...outcome, entries });
}
