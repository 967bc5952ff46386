// mainstay resume: the service that an operator paused comes back, on the node that was main.

import { resumeService } from '../../desk/lease-change';
import { durationText } from '../../desk/texts';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { recordAct, waitForLease } from '../lease-change';
import type { Session } from '../session';

export interface ResumeOptions extends ByOptions {
  cluster: string;
  reason?: string;
  timeout: number;
}

export const defineResume: Define = (program, act) => {
  const command = program
    .command('resume')
    .summary('bring a paused service back')
    .description('Let the node that was main when you paused the service be main again.')
    .argument('<cluster>')
    .option('--reason <text>', 'why, for the journal');
  withTimeout(withBy(command), 60)
    .addHelpText('after', examples(['resume alpha', 'resume alpha --reason "the rack has moved"']))
    .action((cluster: string, options: Omit<ResumeOptions, 'cluster'>) =>
      act((session) => runResume({ cluster, ...options }, session)),
    );
};

export async function runResume(options: ResumeOptions, session: Session): Promise<void> {
  const { desk, screen, user } = session;
  const startedAtMs = desk.clock.nowMs();
  const { cluster, reason = '', by = user } = options;
  const { config, lease: resumed, act } = await resumeService(desk, { cluster, by, reason });
  const node = resumed.holder ?? '';
  await recordAct(session, resumed, act);
  screen.line(`${node} MAY BE MAIN AGAIN AT EPOCH ${resumed.epoch}`);
  const main = await waitForLease(session, {
    config,
    node,
    timeoutMs: options.timeout * 1000,
    reached: ({ phase, holder }) => phase === 'held' && holder === node,
    what: `${node} becoming main of ${config.name}`,
  });
  const ms = Math.round(desk.clock.nowMs() - startedAtMs);
  screen.line(
    screen.paint.green(`RESUME OF '${node}@${config.name}' WAS SUCCESSFUL (epoch ${main.epoch}, ${durationText(ms)})`),
  );
  screen.document({ cluster: config.name, main: node, epoch: main.epoch, ms });
}
