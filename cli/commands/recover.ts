// mainstay recover: brings a shunned or failed node back as a backup; its extra data is kept as evidence first.

import { type ByOptions, type Define, examples, type WaitOptions, withBy, withWaiting } from '../command';
import { runOperation } from '../run-operation';
import type { Session } from '../session';

export interface RecoverOptions extends WaitOptions, ByOptions {
  cluster: string;
  node: string;
  reason?: string;
}

export const defineRecover: Define = (program, act) => {
  const command = program
    .command('recover')
    .summary('bring a shunned or failed node back as a backup')
    .description('Bring a node back as a backup of the present main: keep the evidence, then follow, rewind or reseed.')
    .argument('<cluster>')
    .argument('<node>', 'the node that comes back')
    .option('--reason <text>', 'why, for the journal');
  withWaiting(withBy(command), 3600)
    .addHelpText(
      'after',
      examples(['recover alpha db1 --reason "its disk is replaced"', 'recover alpha db1 --no-wait']),
    )
    .action((cluster: string, node: string, options: Omit<RecoverOptions, 'cluster' | 'node'>) =>
      act((session) => runRecover({ cluster, node, ...options }, session)),
    );
};

export async function runRecover(options: RecoverOptions, session: Session): Promise<void> {
  const { cluster, node, reason, by, wait, timeout } = options;
  await runOperation(session, {
    kind: 'recover',
    input: { cluster, node, by: by ?? session.user, ...(reason === undefined ? {} : { reason }) },
    wait,
    timeoutMs: timeout * 1000,
    success: () => `RECOVERY OF '${node}@${cluster}'`,
  });
}
