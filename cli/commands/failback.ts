// mainstay failback: gives the role back to the preferred node, which is reserved for it meanwhile.

import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export interface FailbackOptions extends WaitOptions, ByOptions {
  cluster: string;
  reason?: string;
}

export const defineFailback: Define = (program, act) => {
  const command = program
    .command('failback')
    .summary('give the role back to the preferred node')
    .description(
      'Move the main role back to the preferred node of the configuration; nobody else is given it meanwhile.',
    )
    .argument('<cluster>')
    .option('--reason <text>', 'why, for the journal');
  withWaiting(withBy(command), 300)
    .addHelpText('after', examples(['failback alpha', 'failback alpha --reason "db1 has its new disk"']))
    .action((cluster: string, options: Omit<FailbackOptions, 'cluster'>) =>
      act((session) => runFailback({ cluster, ...options }, session)),
    );
};

export async function runFailback(options: FailbackOptions, session: Session): Promise<void> {
  const { cluster, reason, by, wait, timeout } = options;
  await runOperation(session, {
    kind: 'failback',
    input: { cluster, by: by ?? session.user, ...(reason === undefined ? {} : { reason }) },
    wait,
    timeoutMs: timeout * 1000,
    success: (outcome) => `FAILBACK TO '${outcome.to}'`,
  });
}
