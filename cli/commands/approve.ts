// mainstay approve: the second person's yes to a failover that gives acknowledged data up (`acceptLoss: second-person`). Starts
// exactly the plan that the first person asked for, or refuses because the state has changed (T54).

import type { JournalEntry } from '../../core/ports';
import { applied } from '../../desk/apply';
import { configOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { failure, must } from '../../desk/problems';
import { betweenMs } from '../../desk/times';
import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export const askedRule = 'accept-loss-asked';

export interface ApproveOptions extends WaitOptions, ByOptions {
  cluster: string;
  plan: string;
}

/** A question that is older than this has been overtaken. */
const validMs = 3_600_000;
const recentEntries = 500;

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
  const { cluster, plan, by, wait, timeout } = options;
  const approvedBy = by ?? session.user;
  await configOf(session.desk, cluster);
  const asked = await question(session.desk, options);
  const first = String(asked.details?.by);
  const { user } = session;
  if (first === approvedBy || asked.details?.user === user)
    throw failure(
      'NotApproved',
      `${first} has asked for plan ${plan} and cannot approve it${first === approvedBy ? '' : `: ${approvedBy} is the same user of the system, ${user}`}`,
      'let another person approve, from an account of their own',
    );
  const reason = String(asked.details?.reason ?? '');
  const input = { cluster, by: first, approvedBy, acceptLoss: true, ...(reason === '' ? {} : { reason }) };
  const request = { cluster, kind: 'failover' as const, acceptLoss: true, force: asked.details?.force === true };
  await runOperation(session, {
    kind: 'failover',
    ...(await applied(session.desk, request, request.force ? { ...input, force: true } : input, {
      id: plan,
      application: session.desk.ids.next(),
    })),
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILOVER TO '${outcome.to}'`,
  });
}

async function question(desk: Desk, { cluster, plan }: ApproveOptions): Promise<JournalEntry> {
  const entries = must(await desk.journal.list(cluster, { limit: recentEntries }));
  const asked = entries.findLast(({ rule, details }) => rule === askedRule && details?.plan === plan);
  const next = `mainstay failover ${cluster} --accept-loss`;
  if (!asked) throw failure('NotApproved', `nobody has asked for plan ${plan}`, `the first person asks: ${next}`);
  if (betweenMs(asked.at, desk.clock.wall()) > validMs)
    throw failure(
      'NotApproved',
      `plan ${plan} was asked for at ${asked.at}, more than an hour ago`,
      `ask anew: ${next}`,
    );
  return asked;
}
