// mainstay switch: a planned move of the main role, without a lost write; or only the question whether it could be done.
// JSON: Outcome (outcome.ts) and `cluster`; with --dry-run {cluster, dryRun, candidate, evaluations, epoch}.

import { best, type Evaluation, evaluate } from '../../core/candidates';
import { checkFirst } from '../../desk/check';
import { configOf, seatedLease } from '../../desk/cluster';
import type { OperationInput } from '../../desk/operations';
import { must } from '../../desk/problems';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { evaluationText } from '../progress';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export interface SwitchOptions extends WaitOptions, ByOptions {
  cluster: string;
  to?: string;
  reason?: string;
  dryRun?: boolean;
}

export const defineSwitch: Define = (program, act) => {
  const command = program
    .command('switch')
    .summary('move the main role to a backup, without losing a write')
    .description('Move the main role to the most advanced backup, or to the one you name. Undone by itself on failure.')
    .argument('<cluster>')
    .option('--to <node>', 'the backup that becomes main')
    .option('--reason <text>', 'why, for the journal')
    .option('--dry-run', 'only say whether it could be done, and who would be chosen');
  withWaiting(withBy(command), 300)
    .addHelpText(
      'after',
      examples(['switch alpha', 'switch alpha --to db2 --reason "kernel update on db1"', 'switch alpha --dry-run']),
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
  if (options.dryRun) return dryRun(input, session);
  await runOperation(session, {
    kind: 'switchover',
    input,
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `SWITCHOVER TO '${outcome.to}'`,
  });
}

/** The evaluation is shown also when the answer is no: it says what has to be mended. */
async function dryRun(input: OperationInput, { desk, screen }: Session): Promise<void> {
  const config = await configOf(desk, input.cluster);
  const lease = await seatedLease(desk, input.cluster);
  const reports = must(await desk.reports.list(input.cluster));
  const evaluations = evaluate({ config, lease, reports, freshSince: null, mustStream: true });
  for (const evaluation of evaluations) screen.line(evaluationText(evaluation));
  await checkFirst(desk, 'preflight', input);
  const chosen = chosenOf(evaluations, input.to) ?? best(config, evaluations);
  screen.line(
    screen.paint.green(`A SWITCHOVER WOULD GO TO '${chosen?.node}' (now '${lease.holder}', epoch ${lease.epoch})`),
  );
  screen.document({
    cluster: input.cluster,
    dryRun: true,
    candidate: chosen?.node ?? null,
    evaluations,
    epoch: lease.epoch,
  });
}

const chosenOf = (evaluations: readonly Evaluation[], to: string | undefined): Evaluation | undefined =>
  evaluations.find(({ node }) => node === to);
