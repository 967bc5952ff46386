// mainstay pause: stops the service cleanly; backups do not take over. `resume` brings it back.

import { abandonedOn, configOf, seatedLease } from '../../desk/cluster';
import { failure } from '../../desk/problems';
import { durationText } from '../../desk/texts';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { changedLease, recordAct, waitForLease } from '../lease-change';
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
  const config = await configOf(desk, options.cluster);
  const lease = await seatedLease(desk, config.name);
  if (lease.phase === 'paused')
    throw failure(
      'LeaseRefused',
      `${config.name} is paused already, by ${lease.pausedBy}`,
      `mainstay resume ${config.name}`,
    );
  const abandoned = await abandonedOn(desk, lease);
  const asked = await changedLease(desk, config, 'askPause', () => (abandoned ? { abandoned } : {}));
  const main = asked.holder ?? '';
  await recordAct(session, asked, {
    by: options.by ?? user,
    rule: 'askPause',
    because: `${main} is asked to stop cleanly${options.reason ? `: ${options.reason}` : ''}`,
  });
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
