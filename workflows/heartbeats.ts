// The backstop's eyes: for how long each cluster's lease has not been renewed, and how many of its agents say nothing. Whoever calls it keeps
// what was seen and hands it back at the next look; without that there is nothing to compare with, and it looks twice (T9). Gives figures
// for alarms and dashboards. Must never start anything: an alarm does, through dispatch, and the failover watches the lease for itself.

import type { ClusterConfig, Lease, Report } from '../core/model';
import type { Outside } from '../core/ports';
import { fail, ok } from '../core/result';
import type { Ports } from './step';

/** A value that should change, and since when it has not: wall clock, ms. Good enough for minutes. */
interface Mark {
  value: string;
  sinceMs: number;
}

export interface Sight {
  lease: Mark;
  nodes: Record<string, Mark>;
  heartbeat: Heartbeat;
}

export interface Heartbeat {
  cluster: string;
  /** Since the last renewal that was seen; 0 when nobody should renew (vacant, paused). */
  ageMs: number;
  /** Nodes whose agent has not reported for three report intervals; those that are kept out do not count. */
  silentNodes: string[];
}

export interface Looked {
  sights: ReadonlyMap<string, Sight>;
  /** Clusters that could not be looked at: they have no figure, and an alarm takes that for silence. */
  problems: string[];
}

type Looking = Pick<Ports, 'settings' | 'leases' | 'reports' | 'clock'>;

/** At once; a thousand clusters one by one would take longer than the minute. */
const together = 25;
/** A first look waits for the second: longer than a ttl and three reports with the default timings. */
const firstWaitMs = 20_000;
const silentReports = 3;

/** Compares with what was seen before; without that it looks, waits and looks again. */
export async function lookAtHeartbeats(ports: Looking, before: Looked | null): Outside<Looked> {
  if (before !== null) return look(ports, before);
  const first = await look(ports, { sights: new Map(), problems: [] });
  if (!first.ok) return first;
  await ports.clock.sleep(firstWaitMs);
  return look(ports, first.value);
}

async function look(ports: Looking, before: Looked): Outside<Looked> {
  const clusters = await ports.settings.clusters();
  if (!clusters.ok) return fail(clusters.error);
  const sights = new Map<string, Sight>();
  const problems: string[] = [];
  for (let first = 0; first < clusters.value.length; first += together) {
    const some = clusters.value.slice(first, first + together);
    const seen = await Promise.all(some.map((cluster) => lookAt(ports, cluster, before.sights.get(cluster))));
    for (const [index, sight] of seen.entries()) {
      const cluster = some[index] as string;
      if (!sight.ok) problems.push(`${cluster}: ${sight.error.message}`);
      else if (sight.value !== null) sights.set(cluster, sight.value);
    }
  }
  return ok({ sights, problems });
}

async function lookAt(
  { settings, leases, reports, clock }: Looking,
  cluster: string,
  before?: Sight,
): Outside<Sight | null> {
  const [config, lease, reported] = await Promise.all([
    settings.config(cluster),
    leases.read(cluster),
    reports.list(cluster),
  ]);
  if (!config.ok) return config;
  if (!lease.ok) return lease;
  if (!reported.ok) return reported;
  if (config.value === null || lease.value === null) return ok(null);
  return ok(sightOf(config.value, lease.value, reported.value, Date.parse(clock.wall()), before));
}

const marked = (value: string, nowMs: number, before?: Mark): Mark => ({
  value,
  sinceMs: before?.value === value ? before.sinceMs : nowMs,
});

function sightOf(
  config: ClusterConfig,
  lease: Lease,
  reports: readonly Report[],
  nowMs: number,
  before?: Sight,
): Sight {
  const mark = marked(`${lease.epoch}/${lease.renewals}`, nowMs, before?.lease);
  const nodes = Object.fromEntries(
    config.nodes.map(({ name }) => {
      const report = reports.find(({ node }) => node === name);
      return [name, marked(report ? `${report.boot}/${report.seq}` : 'none', nowMs, before?.nodes[name])];
    }),
  );
  const quiet = lease.phase === 'vacant' || lease.phase === 'paused';
  const silentNodes = Object.entries(nodes)
    .filter(([name, { sinceMs }]) => nowMs - sinceMs > silentReports * config.timings.reportMs && !lease.shunned[name])
    .map(([name]) => name);
  // While nobody should renew the count begins anew: a service that is resumed is not silent for having been paused.
  const watched = quiet ? { ...mark, sinceMs: nowMs } : mark;
  return { lease: watched, nodes, heartbeat: { cluster: config.name, ageMs: nowMs - watched.sinceMs, silentNodes } };
}
