// mainstay failover: replaces a main that is lost. The old main is fenced first, also with --force.
// JSON: Outcome (outcome.ts) and `cluster`; with --dry-run OperationPlan (plan.ts).

import { applied } from '../../desk/apply';
import type { OperationInput } from '../../desk/operations';
import type { PlanRequest } from '../../desk/plan';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';
import { dryRun } from './dry-run';

export interface FailoverOptions extends WaitOptions, ByOptions {
  cluster: string;
  to?: string;
  force?: boolean;
  reason?: string;
  dryRun?: boolean;
  apply?: string;
}

export const defineFailover: Define = (program, act) => {
  const command = program
    .command('failover')
    .summary('replace a lost main: fence it, then promote the most advanced survivor')
    .description('Replace a main that is lost. Refused while it is healthy, unless forced; it is always fenced first.')
    .argument('<cluster>')
    .option('--to <node>', 'the node that becomes main, if it is eligible')
    .option('--force', 'though the main is healthy; what it has not replicated is lost to the service')
    .option('--reason <text>', 'why, for the journal')
    .option('--dry-run', 'only show the plan: who, why, the steps, what it would cost; with an id')
    .option('--apply <id>', 'run exactly the plan that --dry-run showed, or refuse because the state has changed');
  withWaiting(withBy(command), 900)
    .addHelpText(
      'after',
      examples([
        'failover alpha',
        'failover alpha --dry-run',
        'failover alpha --to db3 --force --reason "db1 writes garbage"',
      ]),
    )
    .action((cluster: string, options: Omit<FailoverOptions, 'cluster'>) =>
      act((session) => runFailover({ cluster, ...options }, session)),
    );
};

export async function runFailover(options: FailoverOptions, session: Session): Promise<void> {
  const { cluster, to, force, reason, by, wait, timeout } = options;
  const input: OperationInput = {
    cluster,
    ...(to === undefined ? {} : { to }),
    ...(force ? { force } : {}),
    by: by ?? session.user,
    ...(reason === undefined ? {} : { reason }),
  };
  const request: PlanRequest = { cluster, kind: 'failover', to, force };
  if (options.dryRun) return dryRun(request, input, session);
  await runOperation(session, {
    kind: 'failover',
    ...(options.apply === undefined
      ? { input }
      : await applied(session.desk, request, input, { id: options.apply, application: session.desk.ids.next() })),
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILOVER TO '${outcome.to}'`,
    after: ({ from, to: main }) =>
      from ? `'${from}' IS SHUNNED(FAILED-OVER-TO-${main}); next: mainstay recover ${cluster} ${from}` : null,
  });
}
