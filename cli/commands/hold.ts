// mainstay hold: what stays out after a failover, what it has that the service has not, and where that is kept; or lifts the
// hold when a person has looked. A shunned node stays out all the same, until it is recovered.

import { configOf, leaseOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { type Holds, holdsOf } from '../../desk/holds';
import { liftHold, stillOut } from '../../desk/lease-change';
import { failure, must } from '../../desk/problems';
import { byteText } from '../../desk/texts';
import { type ByOptions, type Define, examples, withBy } from '../command';
import { recordAct } from '../lease-change';
import type { Session } from '../session';

export interface HoldOptions extends ByOptions {
  action: string;
  cluster?: string;
  reason?: string;
}

export const defineHold: Define = (program, act) => {
  const command = program
    .command('hold')
    .summary('what stays out after a failover and what it has; lift the hold')
    .description('Show what is not synchronised after a failover and where it is kept (ls), or lift the hold (clear).')
    .argument('<action>', 'ls | clear')
    .argument('[cluster]', 'all clusters when left out')
    .option('--reason <text>', 'clear: what you have seen, for the journal');
  withBy(command)
    .addHelpText(
      'after',
      examples(['hold ls', 'hold ls alpha --json', 'hold clear alpha --reason "the 3 orders were entered again"']),
    )
    .action((action: string, cluster: string | undefined, options: Omit<HoldOptions, 'action' | 'cluster'>) =>
      act((session) => runHold({ action, ...(cluster === undefined ? {} : { cluster }), ...options }, session)),
    );
};

export async function runHold(options: HoldOptions, session: Session): Promise<void> {
  if (options.action === 'ls') return list(options.cluster, session);
  if (options.action === 'clear') return clear(options, session);
  throw failure('Usage', `'${options.action}' is nothing that can be done with a hold`, 'choose one of: ls, clear');
}

async function holdsIn(desk: Desk, cluster: string): Promise<Holds | null> {
  const config = await configOf(desk, cluster);
  const lease = await leaseOf(desk, cluster);
  return lease ? holdsOf(config, lease, must(await desk.reports.list(cluster))) : null;
}

async function list(cluster: string | undefined, { desk, screen }: Session): Promise<void> {
  const names = cluster === undefined ? must(await desk.settings.clusters()) : [cluster];
  const all = (await Promise.all(names.map((name) => holdsIn(desk, name)))).filter((holds) => holds !== null);
  const holds = all.filter(({ hold, nodes }) => hold !== null || nodes.length > 0);
  if (holds.length === 0) screen.line('nothing is held');
  for (const held of holds) for (const line of drawHolds(held)) screen.line(line);
  screen.document({ holds });
}

const drawHolds = ({ cluster, hold, nodes }: Holds): string[] => [
  hold ? `${cluster}: HOLD since epoch ${hold.epoch}: ${hold.reason}` : `${cluster}: no hold, but nodes that stay out`,
  ...nodes.flatMap(({ node, label, notSynchronisedBytes, receivedBytes, forkBytes, reportedAt, kept, next }) => [
    `  ${node}  SHUNNED(${label})`,
    `    not synchronised: ${byteText(notSynchronisedBytes)}: it was at ${receivedBytes ?? '?'}, the service went on from ${forkBytes ?? '?'} (its report of ${reportedAt ?? 'never'})`,
    `    kept: ${kept}`,
    `    next: ${next}`,
  ]),
];

async function clear({ cluster, reason, by }: HoldOptions, session: Session): Promise<void> {
  if (cluster === undefined) throw failure('Usage', 'say which cluster', 'mainstay hold clear CLUSTER --reason TEXT');
  if (reason === undefined || reason.trim() === '')
    throw failure('Usage', 'a hold is lifted with a reason', 'add --reason TEXT: what you have seen');
  const { desk, screen, user } = session;
  const { lease, act } = await liftHold(desk, { cluster, by: by ?? user, reason });
  const out = Object.keys(lease.shunned);
  await recordAct(session, lease, act);
  screen.line(screen.paint.green(`HOLD OF '${cluster}' IS LIFTED${stillOut(out)}`));
  screen.document({ cluster, hold: null, shunned: out });
}
