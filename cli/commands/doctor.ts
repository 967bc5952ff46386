// mainstay doctor: what a failover would need, check by check, each finding with what mends it. Ends with 1 when something would
// keep a failover from working.

import { type Check, checkup } from '../../desk/checkup';
import { Failure } from '../../desk/problems';
import { type Define, examples } from '../command';
import type { Paint } from '../output';
import type { Session } from '../session';

export const defineDoctor: Define = (program, act) => {
  program
    .command('doctor')
    .summary('check what a failover would need, with a fix for each finding')
    .description(
      'Check stack, permissions to read it, alarms, timings, VIP, replication, clocks, versions, deadman and gate.',
    )
    .argument('[cluster]', 'all clusters when left out')
    .addHelpText('after', examples(['doctor', 'doctor alpha --json']))
    .action((cluster: string | undefined) => act((session) => runDoctor(cluster, session)));
};

export async function runDoctor(cluster: string | undefined, { desk, screen }: Session): Promise<void> {
  const checks = await checkup(desk, cluster);
  for (const check of checks) screen.line(drawCheck(check, screen.paint));
  const dangers = checks.filter(({ level }) => level === 'danger').length;
  screen.document({ healthy: dangers === 0, checks });
  if (dangers === 0) return;
  const message = `${dangers} of ${checks.length} checks found what would keep a failover from working`;
  throw new Failure({ code: 'Unhealthy', message, next: 'mend them, then run it again' }, screen.json);
}

const strokes = { ok: 'green', warning: 'yellow', danger: 'red' } as const;

const drawCheck = ({ what, level, found, next }: Check, paint: Paint): string =>
  paint[strokes[level]](`${level.padEnd(7)}  ${what}: ${found}${next ? `; next: ${next}` : ''}`);
