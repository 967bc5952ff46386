// mainstay drill: a switchover there and back, with everything that is true of one: checked before, undone on failure, and the
// drill stops where a leg does. Its record says how long nobody could write, against what was asked for.

import { configOf, seatedLease } from '../../desk/cluster';
import { explainSourcesOf, findingsOf } from '../../desk/explanation';
import type { Outcome } from '../../desk/outcome';
import { planOf } from '../../desk/plan';
import { Failure, failure } from '../../desk/problems';
import { durationText } from '../../desk/texts';
import { durationMs } from '../../desk/times';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { recordAct } from '../lease-change';
import { carryOut } from '../run-operation';
import type { Session } from '../session';

export interface DrillOptions extends ByOptions {
  cluster: string;
  to?: string;
  stay?: boolean;
  rto?: string;
  reason?: string;
  timeout: number;
}

export const defineDrill: Define = (program, act) => {
  const command = program
    .command('drill')
    .summary('a switchover there and back, on record')
    .description(
      'Move the role to a backup and back again, and record how long nobody could write. Stops where a leg fails.',
    )
    .argument('<cluster>')
    .option('--to <node>', 'the backup that becomes main in between')
    .option('--stay', 'do not move back')
    .option(
      '--rto <duration>',
      'what is asked for: no writes for at most this long, e.g. 5s; missed, the command ends with 1',
    )
    .option('--reason <text>', 'why, for the journal');
  withTimeout(withBy(command), 300)
    .addHelpText(
      'after',
      examples(['drill alpha --rto 5s --reason "first Tuesday of the month"', 'drill alpha --to db2 --stay']),
    )
    .action((cluster: string, options: Omit<DrillOptions, 'cluster'>) =>
      act((session) => runDrill({ cluster, ...options }, session)),
    );
};

export async function runDrill(options: DrillOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  const { cluster } = options;
  const objectiveMs = options.rto === undefined ? null : durationMs(options.rto);
  const home = await ready(cluster, session);
  const away = options.to ?? (await planOf(desk, { cluster, kind: 'switchover' })).candidate ?? undefined;
  const legs: Outcome[] = [];
  for (const to of [away, ...(options.stay ? [] : [home])]) legs.push(await leg(options, to, session));
  const longestGapMs = longestGap(legs);
  const met = objectiveMs === null || (longestGapMs !== null && longestGapMs <= objectiveMs);
  const asked = objectiveMs === null ? '' : `, ${durationText(objectiveMs)} were asked for: ${met ? 'met' : 'MISSED'}`;
  const gap =
    longestGapMs === null
      ? 'how long there were no writes was NOT MEASURED'
      : `no writes for at most ${durationText(longestGapMs)}`;
  const because = `drill, ${legs.map(({ from, to }) => `${from} -> ${to}`).join(', ')}: ${gap}${asked}`;
  const details = { operations: legs.map(({ operation }) => operation), longestGapMs, objectiveMs, met };
  await recordAct(session, await seatedLease(desk, cluster), {
    by: options.by ?? session.user,
    rule: 'drill',
    because,
    details,
  });
  screen.line((met ? screen.paint.green : screen.paint.red)(because));
  screen.document({ cluster, legs, longestGapMs, objectiveMs, met });
  const next = `see where the time went: mainstay report ${cluster}, docs/timing.md`;
  if (!met) throw new Failure({ code: 'ObjectiveMissed', message: because, next }, true);
}

/** null: not measured in one of the legs, which is not the same as none. */
function longestGap(legs: readonly Outcome[]): number | null {
  const gaps = legs.flatMap(({ writeGap }) => (writeGap ? [writeGap.ms] : []));
  return gaps.length < legs.length ? null : Math.max(...gaps);
}

/** The main, if a drill may begin: it must not be the first to find out what is ill already. */
async function ready(cluster: string, { desk }: Session): Promise<string> {
  await configOf(desk, cluster);
  const sources = await explainSourcesOf(desk, cluster);
  const dangers = findingsOf(sources).filter(({ level }) => level === 'danger');
  if (dangers.length > 0)
    throw failure(
      'NotReady',
      `no drill now: ${dangers.map(({ what }) => what).join('; ')}`,
      `mainstay explain ${cluster}`,
    );
  return sources.lease.holder ?? '';
}

async function leg(
  { cluster, by, reason, timeout }: DrillOptions,
  to: string | undefined,
  session: Session,
): Promise<Outcome> {
  const input = {
    cluster,
    by: by ?? session.user,
    reason: `drill${reason ? `: ${reason}` : ''}`,
    ...(to ? { to } : {}),
  };
  const outcome = await carryOut(session, {
    kind: 'switchover',
    input,
    wait: true,
    timeoutMs: timeout * 1000,
    success: ({ to: main }) => `DRILL: SWITCHOVER TO '${main}'`,
  });
  if (typeof outcome === 'string') throw failure('InProgress', `${outcome} goes on`, `mainstay watch ${cluster}`);
  return outcome;
}
