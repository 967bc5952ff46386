// mainstay switch: a planned move of the main role, without a lost write; or only the question whether it could be done.

import { applied } from '../../desk/apply';
import type { OperationInput } from '../../desk/operations';
import type { PlanRequest } from '../../desk/plan';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';
import { dryRun } from './dry-run';

export interface SwitchOptions extends WaitOptions, ByOptions {
  cluster: string;
  to?: string;
  reason?: string;
  dryRun?: boolean;
  apply?: string;
}

export const defineSwitch: Define = (program, act) => {
  const command = program
    .command('switch')
    .summary('move the main role to a backup, without losing a write')
    .description('Move the main role to the most advanced backup, or to the one you name. Undone by itself on failure.')
    .argument('<cluster>')
    .option('--to <node>', 'the backup that becomes main')
    .option('--reason <text>', 'why, for the journal')
    .option('--dry-run', 'only show the plan: who, why, the steps, what it would cost; with an id')
    .option('--apply <id>', 'run exactly the plan that --dry-run showed, or refuse because the state has changed');
  withWaiting(withBy(command), 300)
    .addHelpText(
      'after',
      examples([
        'switch alpha',
        'switch alpha --to db2 --reason "kernel update on db1"',
        'switch alpha --dry-run',
        'switch alpha --apply 7-db2-3f9a01bc77',
      ]),
    )
    .action((cluster: string, options: Omit<SwitchOptions, 'cluster'>) =>
      act((session) => runSwitch({ cluster, ...options }, session)),
    );
};

export async function runSwitch(options: SwitchOptions, session: Session): Promise<void> {
  const { cluster, to, reason, by, wait, timeout } = options;
  const input: OperationInput = {
    cluster,
    ...(to === undefined ? {} : { to }),
    by: by ?? session.user,
    ...(reason === undefined ? {} : { reason }),
  };
  const request: PlanRequest = { cluster, kind: 'switchover', to };
  if (options.dryRun) return dryRun(request, input, session);
  await runOperation(session, {
    kind: 'switchover',
    ...(options.apply === undefined
      ? { input }
      : await applied(session.desk, request, input, { id: options.apply, application: session.desk.ids.next() })),
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `SWITCHOVER TO '${outcome.to}'`,
  });
}
