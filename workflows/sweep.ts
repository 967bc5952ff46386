// Looks at every cluster for what nobody is working on any more: an operation whose execution has ended, or a VIP that is not
// at the main (T47, T50); and wakes an operation that sleeps though there is news for it. Level-triggered: it may run at any
// time, twice, or late. Must never touch anything itself: the plan `settle` does, under the lock.

import type { OutsideProblem } from '../core/errors';
import { judgeFailback } from '../core/failback';
import type { ClusterConfig, Lease } from '../core/model';
import { policyNow } from '../core/policy';
import type { Outside } from '../core/ports';
import { ok } from '../core/result';
import { abandoned, astray, hasVip } from './left-behind';
import type { WorkflowState } from './state';
import type { Ports } from './step';
import { wakeForNews } from './wake';

type Looking = Pick<Ports, 'leases' | 'executions' | 'vip' | 'clock' | 'reports' | 'power' | 'waits' | 'tasks'>;

/** Starts an execution under this name; a second start of the same name must do nothing. */
export type Start = (kind: 'settle' | 'failback', name: string, input: WorkflowState) => Outside<void>;

export interface Swept {
  started: string[];
  /** Per cluster that could not be looked at, why; the others were swept all the same. */
  problems: string[];
}

/** Clusters whose leases are read side by side: a thousand clusters within seconds, and never a thousand requests at once. */
const atOnce = 25;

interface Subject {
  config: ClusterConfig;
  lease: Lease;
}

/** VIPs are read for all clusters together, after their leases: the control planes behind them allow few calls (T66). */
export async function sweep(ports: Looking & Pick<Ports, 'settings' | 'reports'>, start: Start): Promise<Swept> {
  const swept: Swept = { started: [], problems: [] };
  const clusters = await ports.settings.clusters();
  if (!clusters.ok) return { ...swept, problems: [clusters.error.message] };
  const tell = (cluster: string, { message }: OutsideProblem) => void swept.problems.push(`${cluster}: ${message}`);
  const subjects: Subject[] = [];
  for (const { cluster, found } of await inBatches(clusters.value, (cluster) => look(ports, cluster))) {
    if (!found.ok) tell(cluster, found.error);
    else if (found.value) subjects.push(found.value);
  }
  const vips = await ports.vip.readMany(subjects.filter(({ lease }) => hasVip(lease)).map(({ config }) => config));
  for (const { config, lease } of subjects) {
    const at = vips.get(config.name);
    const reason = lease.operation ? await abandoned(ports, lease.operation) : at ? astray(lease, at) : ok(null);
    const name = reason.ok && reason.value !== null ? await settle(ports, lease, reason.value, start) : reason;
    if (!name.ok) tell(config.name, name.error);
    else if (name.value !== null) swept.started.push(name.value);
    else {
      const woken = await wakeForNews(ports, config, lease);
      if (!woken.ok) tell(config.name, woken.error);
      const moved = await moveBack(ports, config, lease, start);
      if (!moved.ok) tell(config.name, moved.error);
      else if (moved.value !== null) swept.started.push(moved.value);
    }
  }
  return swept;
}

async function inBatches<T>(clusters: readonly string[], look: (cluster: string) => Outside<T>) {
  const found: { cluster: string; found: Awaited<Outside<T>> }[] = [];
  for (let from = 0; from < clusters.length; from += atOnce) {
    const batch = clusters.slice(from, from + atOnce);
    found.push(...(await Promise.all(batch.map(async (cluster) => ({ cluster, found: await look(cluster) })))));
  }
  return found;
}

/** null: no configuration any more, or nobody was ever main. */
async function look(ports: Looking & Pick<Ports, 'settings'>, cluster: string): Outside<Subject | null> {
  const [config, lease] = await Promise.all([ports.settings.config(cluster), ports.leases.read(cluster)]);
  if (!config.ok) return config;
  if (!lease.ok) return lease;
  return ok(config.value && lease.value ? { config: config.value, lease: lease.value } : null);
}

/** Name of the execution that was started. */
async function settle(
  { clock }: Pick<Looking, 'clock'>,
  { cluster, epoch, version }: Lease,
  reason: string,
  start: Start,
): Outside<string> {
  // Made of what was seen, so that two sweeps start one execution, and of the minute, so that one that failed is followed by
  // another; 31 + 9 + 10 + 12 + 13 characters at the most.
  const minute = clock.wall().slice(0, 16).replace(/\D/g, '');
  const name = `${cluster}-settle-e${epoch}-v${version}-${minute}`;
  const started = await start('settle', name, { cluster, by: 'automatic', reason });
  return started.ok ? ok(name) : started;
}

/** Reports and policy are read for those clusters only whose role could go back by itself. */
async function moveBack(
  { clock, reports, settings }: Pick<Ports, 'clock' | 'reports' | 'settings'>,
  config: ClusterConfig,
  lease: Lease,
  start: Start,
): Outside<string | null> {
  if (config.failback?.mode !== 'automatic' || lease.operation !== null || lease.holder === config.failback.prefer)
    return ok(null);
  const [policy, listed] = await Promise.all([settings.policy(config.name), reports.list(config.name)]);
  if (!policy.ok) return policy;
  if (!listed.ok) return listed;
  const now = clock.wall();
  const refused = judgeFailback({ config, lease, reports: listed.value, automatic: true, now });
  if (refused || policyNow(policy.value, now).mode !== 'automatic') return ok(null);
  // One attempt an hour at an epoch: what failed once is not tried every minute.
  const name = `${config.name}-failback-e${lease.epoch}-${now.slice(0, 13).replace(/\D/g, '')}`;
  const reason = `${config.failback.prefer} is preferred and in sync`;
  const started = await start('failback', name, { cluster: config.name, by: 'automatic', reason });
  return started.ok ? ok(name) : started;
}
