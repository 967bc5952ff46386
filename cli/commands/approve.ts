// mainstay approve: the second person's yes to a failover that gives acknowledged data up (`acceptLoss: second-person`). Starts
// exactly the plan that the first person asked for, or refuses because the state has changed (T54).

import { approvedLoss } from '../../desk/approval';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export interface ApproveOptions extends WaitOptions, ByOptions {
  cluster: string;
  plan: string;
}

export const defineApprove: Define = (program, act) => {
  const command = program
    .command('approve')
    .summary('the second person’s yes to a failover that loses data')
    .description('Approve and start a failover that another person asked for with --accept-loss, within the hour.')
    .argument('<cluster>')
    .argument('<plan>', 'the id that failover --accept-loss printed');
  withWaiting(withBy(command), 900)
    .addHelpText('after', examples(['approve alpha 7-db3-3f9a01bc77']))
    .action((cluster: string, plan: string, options: Omit<ApproveOptions, 'cluster' | 'plan'>) =>
      act((session) => runApprove({ cluster, plan, ...options }, session)),
    );
};

export async function runApprove(options: ApproveOptions, session: Session): Promise<void> {
  const { cluster, plan, by = session.user, wait, timeout } = options;
  const approver = { by, account: session.user, signed: false };
  const application = session.desk.ids.next();
  await runOperation(session, {
    kind: 'failover',
    ...(await approvedLoss(session.desk, { cluster, plan, application }, approver)),
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILOVER TO '${outcome.to}'`,
  });
}
