// mainstay brake: whether the fleet's brake holds failovers (docs/storms.md), and letting all of them through for a while.

import { type BrakeState, isHeld, isReleased, openWindow, placesIn } from '../../core/brake';
import { failure, must } from '../../desk/problems';
import { durationMs, laterIso } from '../../desk/times';
import { type ByOptions, type Define, examples, withBy } from '../command';
import type { Session } from '../session';

export interface BrakeOptions extends ByOptions {
  action?: string;
  for?: string;
  reason?: string;
}

export const defineBrake: Define = (program, act) => {
  const command = program
    .command('brake')
    .summary('show or release the brake of the whole fleet')
    .description('Show how many clusters have failed over by themselves, and whether the next ones are held.')
    .argument('[action]', 'status | release', 'status')
    .option('--for <duration>', 'release: how long everybody is let through (default: 1h)')
    .option('--reason <text>', 'release: why');
  withBy(command)
    .addHelpText('after', examples(['brake', 'brake release --reason "zone eu-central-1a is gone"']))
    .action((action: string, options: Omit<BrakeOptions, 'action'>) =>
      act((session) => runBrake({ action, ...options }, session)),
    );
};

export async function runBrake(options: BrakeOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  if (options.action !== undefined && !['status', 'release'].includes(options.action))
    throw failure('Usage', `'${options.action}' is nothing that a brake does`, 'choose one of: status, release');
  if (options.action === 'release') await release(options, session);
  const state = must(await desk.brake.read());
  if (state === null) throw failure('Refused', 'no brake is configured', 'deploy the stack: every deployment sets it');
  const nowMs = Date.parse(desk.clock.wall());
  screen.line(brakeText(state, nowMs));
  const taken = openWindow(state, nowMs)?.taken ?? 0;
  const { limits, clusters, release: released } = state;
  screen.document({
    ...{ held: isHeld(state, nowMs), places: placesIn(state), taken, clusters, limits },
    release: isReleased(state, nowMs) ? released : null,
  });
}

async function release({ for: period = '1h', reason, by }: BrakeOptions, { desk, user }: Session): Promise<void> {
  if (reason === undefined || reason.trim() === '')
    throw failure('Usage', 'a brake is released with a reason', 'add --reason TEXT: others will read it at night');
  const untilMs = Date.parse(laterIso(desk.clock.wall(), durationMs(period)));
  must(await desk.brake.release({ untilMs, by: by ?? user, reason }));
}

function brakeText(state: BrakeState, nowMs: number): string {
  const window = openWindow(state, nowMs);
  const minutes = Math.round(state.limits.windowMs / 60_000);
  const count = `${window?.taken ?? 0} of ${state.clusters} clusters failed over by themselves in this window of ${minutes} min, ${placesIn(state)} may`;
  if (isReleased(state, nowMs)) {
    const { untilMs = 0, by, reason } = state.release ?? {};
    return `brake: released until ${new Date(untilMs).toISOString()} by ${by}: ${reason} (${count})`;
  }
  if (!isHeld(state, nowMs)) return `brake: open (${count})`;
  return `brake: HOLDS until ${new Date(window?.endsAtMs ?? 0).toISOString()} (${count}); next: mainstay brake release --reason TEXT`;
}
