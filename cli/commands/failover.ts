// mainstay failover: replaces a main that is lost. The old main is fenced first, also with --force.

import { applied } from '../../desk/apply';
import { askForLoss } from '../../desk/approval';
import { configOf } from '../../desk/cluster';
import type { OperationInput } from '../../desk/operations';
import { type PlanRequest, planOf } from '../../desk/plan';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';
import { dryRun } from './dry-run';

export interface FailoverOptions extends WaitOptions, ByOptions {
  cluster: string;
  to?: string;
  force?: boolean;
  acceptLoss?: boolean;
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
    .option('--accept-loss', 'also to a node that lacks acknowledged writes; may need a second person (approve)')
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
  const { cluster, to, force, acceptLoss, reason, by, wait, timeout } = options;
  const input: OperationInput = {
    cluster,
    ...(to === undefined ? {} : { to }),
    ...(force ? { force } : {}),
    ...(acceptLoss ? { acceptLoss } : {}),
    by: by ?? session.user,
    ...(reason === undefined ? {} : { reason }),
  };
  const request: PlanRequest = { cluster, kind: 'failover', to, force, acceptLoss };
  if (options.dryRun) return dryRun(request, input, session);
  if (acceptLoss && (await configOf(session.desk, cluster)).acceptLoss === 'second-person')
    return askSecondPerson(request, input, session);
  // Loss is accepted of one node, the one that is chosen now; if it cannot take over then, nobody else gets the waiver.
  const chosen = acceptLoss && to === undefined ? (await planOf(session.desk, request)).candidate : null;
  await runOperation(session, {
    kind: 'failover',
    ...(options.apply === undefined
      ? { input: chosen === null ? input : { ...input, to: chosen } }
      : await applied(session.desk, request, input, { id: options.apply, application: session.desk.ids.next() })),
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILOVER TO '${outcome.to}'`,
    after: ({ from, to: main }) =>
      from ? `'${from}' IS SHUNNED(FAILED-OVER-TO-${main}); next: mainstay recover ${cluster} ${from}` : null,
  });
}

async function askSecondPerson({ to, force = false }: PlanRequest, input: OperationInput, session: Session) {
  const { desk, screen, user } = session;
  const { cluster, by, reason = '' } = input;
  const asker = { by, account: user, signed: false };
  const { id, candidate, atRisk } = await askForLoss(desk, { cluster, to, force, reason }, asker);
  const next = `mainstay approve ${cluster} ${id}`;
  screen.line(`${candidate} WOULD BECOME MAIN, AT RISK: ${atRisk}`);
  screen.line(`a second person, within the hour: ${next}`);
  screen.document({ cluster, asked: true, plan: id, candidate, atRisk, next });
}
