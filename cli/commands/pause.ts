// mainstay pause: stops the service cleanly; backups do not take over. `resume` brings it back.

import { askPause } from '../../desk/lease-change';
import { durationText } from '../../desk/texts';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { recordAct, waitForLease } from '../lease-change';
import type { Session } from '../session';

export interface PauseOptions extends ByOptions {
  cluster: string;
  reason?: string;
  timeout: number;
}

export const definePause: Define = (program, act) => {
  const command = program
    .command('pause')
    .summary('stop the service cleanly; backups do not take over')
    .description('Stop the main cleanly and keep it main: nobody serves and nobody takes over until resume.')
    .argument('<cluster>')
    .option('--reason <text>', 'why, for the journal');
  withTimeout(withBy(command), 60)
    .addHelpText('after', examples(['pause alpha --reason "move to another rack"', 'resume alpha']))
    .action((cluster: string, options: Omit<PauseOptions, 'cluster'>) =>
      act((session) => runPause({ cluster, ...options }, session)),
    );
};

export async function runPause(options: PauseOptions, session: Session): Promise<void> {
  const { desk, screen, user } = session;
  const startedAtMs = desk.clock.nowMs();
  const { cluster, reason = '', by = user } = options;
  const { config, lease: asked, act } = await askPause(desk, { cluster, by, reason });
  const main = asked.holder ?? '';
  await recordAct(session, asked, act);
  screen.line(`${main} IS ASKED TO STOP CLEANLY`);
  const paused = await waitForLease(session, {
    config,
    node: main,
    timeoutMs: options.timeout * 1000,
    reached: ({ phase }) => phase === 'paused',
    what: `the clean stop of ${main}`,
  });
  const ms = Math.round(desk.clock.nowMs() - startedAtMs);
  screen.line(
    screen.paint.green(`PAUSE OF '${config.name}' WAS SUCCESSFUL (epoch ${paused.epoch}, ${durationText(ms)})`),
  );
  screen.document({ cluster: config.name, phase: paused.phase, main, epoch: paused.epoch, ms });
}
