// mainstay ls: every cluster at a glance. A cluster that cannot be read is shown as such and hides no other; the exit code
// is then that of its problem.

import { asJson, Failure, must, sentence } from '../../desk/problems';
import { type ClusterView, lookAt } from '../../desk/view';
import { again, type WatchedOptions, withWatch } from '../again';
import { drawCluster } from '../board';
import { type Define, examples } from '../command';
import type { Session } from '../session';

export const defineLs: Define = (program, act) => {
  const command = program
    .command('ls')
    .summary('all clusters: main, epoch, policy, nodes, positions')
    .description('Show every cluster: policy, phase, epoch, main, VIP, hold, and what each node last said.');
  withWatch(command)
    .addHelpText('after', examples(['ls', 'ls --watch 10', "ls --json | jq '.clusters[].main'"]))
    .action((options: WatchedOptions) => act((session) => runLs(options, session)));
};

type Seen = { view: ClusterView } | { cluster: string; problem: Failure };

export const runLs = (options: WatchedOptions, session: Session): Promise<void> =>
  again(session, options, (show) => look(session, show));

async function look({ desk, screen }: Session, show: (document: unknown) => void): Promise<void> {
  const names = must(await desk.settings.clusters());
  if (names.length === 0) screen.warn('no cluster is configured yet; next: add one to mainstay.config.ts and deploy');
  const all = await Promise.all(
    names.map(async (cluster): Promise<Seen> => {
      try {
        return { view: await lookAt(desk, cluster) };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return { cluster, problem: error };
      }
    }),
  );
  all.forEach((seen, index) => {
    if (index > 0) screen.line();
    if ('view' in seen) for (const line of drawCluster(seen.view, screen.paint)) screen.line(line);
    else screen.line(screen.paint.red(`${seen.cluster}[UNREADABLE]  ${sentence(seen.problem.problem)}`));
  });
  show({
    clusters: all.map((seen) =>
      'view' in seen ? seen.view : { cluster: seen.cluster, ...asJson(seen.problem.problem) },
    ),
  });
  const unreadable = all.find((seen) => 'problem' in seen);
  if (unreadable && 'problem' in unreadable) throw new Failure(unreadable.problem.problem, true);
}
