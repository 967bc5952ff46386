// mainstay drill: a switchover there and back, with everything that is true of one: checked before, undone on failure, and the
// drill stops where a leg does. Its record says how long nobody could write, against what was asked for.

import { longestGap } from '../../desk/drill-gap';
import type { Outcome } from '../../desk/outcome';
import { planOf } from '../../desk/plan';
import { failure } from '../../desk/problems';
import { durationMs } from '../../desk/times';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { concludeDrill, readyForDrill } from '../drill-record';
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
  const { cluster } = options;
  const objectiveMs = options.rto === undefined ? null : durationMs(options.rto);
  const { lease } = await readyForDrill(session.desk, cluster);
  const home = lease.holder ?? '';
  const away = options.to ?? (await planOf(session.desk, { cluster, kind: 'switchover' })).candidate ?? undefined;
  const legs: Outcome[] = [];
  for (const to of [away, ...(options.stay ? [] : [home])]) legs.push(await leg(options, to, session));
  await concludeDrill(session, {
    cluster,
    by: options.by ?? session.user,
    what: legs.map(({ from, to }) => `${from} -> ${to}`).join(', '),
    longestGapMs: longestGap(legs),
    objectiveMs,
    details: { operations: legs.map(({ operation }) => operation) },
    document: { legs },
  });
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
