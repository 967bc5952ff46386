// What a doctor looks at, check by check, each with what mends it: that everything answers that a failover would need, and that
// the cluster is as it should be. Reads only, and goes on after a check that fails.

import type { ClusterConfig, Lease } from '../core/model';
import { judgeTimings } from '../core/timings';
import { alarmChecks } from './alarm-checks';
import { configOf, leaseOf } from './cluster';
import type { Desk } from './desk';
import { explainSourcesOf, findingsOf } from './explanation';
import { Failure, must } from './problems';

export interface Check {
  /** `alpha: VIP`, `stack: state machines` */
  what: string;
  level: 'ok' | 'warning' | 'danger';
  found: string;
  /** What to do; empty when it is well. */
  next: string;
}

const well = (what: string, found: string): Check => ({ what, level: 'ok', found, next: '' });

/** A check that cannot be made is a finding, too. */
async function tried(what: string, check: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ what, level: 'danger', found: error.problem.message, next: error.problem.next }];
  }
}

const stackChecks = (desk: Desk): Promise<Check[]> =>
  tried('stack: state machines', async () => {
    const described = await desk.operations.describe('doctor');
    if (!described.ok) throw new Failure({ ...described.error, code: 'Broken' });
    return [well('stack: state machines', 'all are there and may be read')];
  });

async function vipCheck(desk: Desk, config: ClusterConfig, lease: Lease | null): Promise<Check[]> {
  const what = `${config.name}: VIP`;
  const at = await desk.vip.read(config);
  if (!at.ok) return [{ what, level: 'danger', found: at.error.message, next: at.error.next }];
  if (lease?.phase !== 'held' || lease.operation !== null)
    return [well(what, `at ${at.value ?? 'nobody'}; nothing is expected of it now`)];
  if (at.value === lease.holder) return [well(what, `at ${at.value}, the main`)];
  const found = `at ${at.value ?? 'nobody'}, and ${lease.holder} is the main`;
  return [{ what, level: 'danger', found, next: 'the sweep mends it within a minute; if it stays, read its log' }];
}

async function clusterChecks(desk: Desk, cluster: string): Promise<Check[]> {
  const config = await configOf(desk, cluster);
  const lease = await leaseOf(desk, cluster);
  const faults = judgeTimings(config.timings);
  const timings: Check[] =
    faults.length === 0
      ? [well(`${cluster}: timings`, 'every clause of the inequality holds (L6)')]
      : faults.map((found) => ({
          what: `${cluster}: timings`,
          level: 'danger',
          found,
          next: 'correct them and deploy: docs/timing.md',
        }));
  if (lease === null || lease.phase === 'vacant')
    return [
      ...timings,
      { what: `${cluster}: lease`, level: 'danger', found: 'nobody was ever main', next: `mainstay start ${cluster}` },
    ];
  const findings = findingsOf(await explainSourcesOf(desk, cluster)).map(
    ({ level, what: found, next }): Check => ({ what: `${cluster}: cluster`, level, found, next }),
  );
  const state =
    findings.length > 0 ? findings : [well(`${cluster}: cluster`, 'if its main died now, somebody would take over')];
  return [...timings, ...(await vipCheck(desk, config, lease)), ...state];
}

/** Of this cluster, or of all of them; worst first within each. */
export async function checkup(desk: Desk, named: string | undefined): Promise<Check[]> {
  const clusters = named === undefined ? must(await desk.settings.clusters()) : [named];
  const alarms = alarmChecks(desk, clusters, named !== undefined);
  const each = clusters.map((cluster) => tried(`${cluster}: table`, () => clusterChecks(desk, cluster)));
  return (await Promise.all([stackChecks(desk), alarms, ...each])).flat();
}
