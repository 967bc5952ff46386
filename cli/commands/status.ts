// mainstay status: one cluster in detail: the block of `ls`, who set the policy, who could become main, what happened last.

import type { Desk } from '../../desk/desk';
import { grouped, type Outcome, outcomeOf } from '../../desk/outcome';
import { must } from '../../desk/problems';
import { lookAt } from '../../desk/view';
import { again, type WatchedOptions, withWatch } from '../again';
import { drawCluster, drawDetails } from '../board';
import { type Define, examples } from '../command';
import type { Session } from '../session';

/** Enough for the last operation: one writes a few dozen entries. */
const recentEntries = 300;

export const defineStatus: Define = (program, act) => {
  const command = program
    .command('status')
    .summary('one cluster in detail')
    .description('Show one cluster: as ls does, and its policy, candidates, running and last operation.')
    .argument('<cluster>');
  withWatch(command)
    .addHelpText('after', examples(['status alpha', 'status alpha --watch', 'status alpha --json']))
    .action((cluster: string, options: WatchedOptions) =>
      act((session) => runStatus({ cluster, ...options }, session)),
    );
};

export function runStatus({ cluster, ...options }: WatchedOptions & { cluster: string }, session: Session) {
  const { desk, screen } = session;
  return again(session, options, async (show) => {
    const view = await lookAt(desk, cluster);
    const last = await lastOperation(desk, cluster);
    for (const line of [...drawCluster(view, screen.paint), ...drawDetails(view, last, screen.paint)])
      screen.line(line);
    show({ ...view, lastOperation: last });
  });
}

async function lastOperation(desk: Desk, cluster: string): Promise<Outcome | null> {
  const entries = must(await desk.journal.list(cluster, { limit: recentEntries }));
  const last = grouped(entries).findLast(({ operation }) => operation !== null);
  return last?.operation ? outcomeOf(last.operation, last.entries) : null;
}
