// mainstay failover: replaces a main that is lost. The old main is fenced first, also with --force.
// JSON: Outcome (outcome.ts) and `cluster`.

import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export interface FailoverOptions extends WaitOptions, ByOptions {
  cluster: string;
  to?: string;
  force?: boolean;
  reason?: string;
}

export const defineFailover: Define = (program, act) => {
  const command = program
    .command('failover')
    .summary('replace a lost main: fence it, then promote the most advanced survivor')
    .description('Replace a main that is lost. Refused while it is healthy, unless forced; it is always fenced first.')
    .argument('<cluster>')
    .option('--to <node>', 'the node that becomes main, if it is eligible')
    .option('--force', 'though the main is healthy; what it has not replicated is lost to the service')
    .option('--reason <text>', 'why, for the journal');
  withWaiting(withBy(command), 900)
    .addHelpText('after', examples(['failover alpha', 'failover alpha --to db3 --force --reason "db1 writes garbage"']))
    .action((cluster: string, options: Omit<FailoverOptions, 'cluster'>) =>
      act((session) => runFailover({ cluster, ...options }, session)),
    );
};

export async function runFailover(options: FailoverOptions, session: Session): Promise<void> {
  const { cluster, to, force, reason, by, wait, timeout } = options;
  await runOperation(session, {
    kind: 'failover',
    input: {
      cluster,
      ...(to === undefined ? {} : { to }),
      ...(force ? { force } : {}),
      by: by ?? session.user,
      ...(reason === undefined ? {} : { reason }),
    },
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILOVER TO '${outcome.to}'`,
    after: ({ from, to: main }) =>
      from ? `'${from}' IS SHUNNED(FAILED-OVER-TO-${main}); next: mainstay recover ${cluster} ${from}` : null,
  });
}
