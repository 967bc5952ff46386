// Called by the clock once a minute: publishes how old each cluster's last renewal is, and how many of its agents are silent, as metrics in
// its log. What it saw is kept for as long as Lambda keeps this instance; a new one looks twice.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createSystemClock } from '../adapters/system';
import { type Heartbeat, type Looked, lookAtHeartbeats } from '../workflows/heartbeats';
import { createTable, required } from './wiring.lambda-shared';

const logger = new Logger();
const metrics = new Metrics();
const table = createTable();
const ports = {
  clock: createSystemClock(),
  settings: createSettings(table),
  leases: createLeaseStore(table),
  reports: createReports(table),
};
let before: Looked | null = null;

/** Each metric costs $0.30 a month: the second one is for those who want it. */
function publish({ cluster, ageMs, silentNodes }: Heartbeat): void {
  const one = (name: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: number) =>
    metrics
      .singleMetric()
      .addDimension('controlPlane', table.name)
      .addDimension('cluster', cluster)
      .addMetric(name, unit, value);
  one('HeartbeatAgeMs', MetricUnit.Milliseconds, ageMs);
  if (required('MAINSTAY_ALARMS') === 'full') one('SilentNodes', MetricUnit.Count, silentNodes.length);
}

export async function handler(): Promise<{ clusters: number; problems: string[] }> {
  const looked = await lookAtHeartbeats(ports, before);
  if (!looked.ok) throw new Error(`heartbeats were not looked at: ${looked.error.message}`);
  before = looked.value;
  const { sights, problems } = looked.value;
  for (const { heartbeat } of sights.values()) publish(heartbeat);
  const quiet = [...sights.values()].filter(({ heartbeat }) => heartbeat.silentNodes.length > 0);
  if (quiet.length > 0) logger.warn('agents are silent', { quiet: quiet.map(({ heartbeat }) => heartbeat) });
  // Those have no figure this minute, which their alarms take for silence: a store that is away for us may be so for the agents.
  if (problems.length > 0) logger.error('not every cluster was looked at', { problems });
  return { clusters: sights.size, problems };
}
