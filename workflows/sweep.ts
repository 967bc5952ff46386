// Looks at every cluster for what nobody is working on any more: an operation whose execution has ended, or a VIP that is not
// at the main (T47, T50); and wakes an operation that sleeps though there is news for it. Level-triggered: it may run at any
// time, twice, or late. Must never touch anything itself: the plan `settle` does, under the lock.

import type { ClusterConfig, Lease } from '../core/model';
import type { Outside } from '../core/ports';
import { ok } from '../core/result';
import type { WorkflowState } from './state';
import type { Ports } from './step';
import { wakeForNews } from './wake';

type Looking = Pick<Ports, 'leases' | 'executions' | 'vip' | 'clock' | 'reports' | 'power' | 'waits' | 'tasks'>;

/** What there is to be put in order, as a sentence; null when there is nothing, or when somebody is at it. */
export async function leftBehind(
  { executions, vip }: Pick<Looking, 'executions' | 'vip'>,
  config: ClusterConfig,
  { operation, phase, holder }: Lease,
): Outside<string | null> {
  if (operation !== null) {
    const running = await executions.running(operation.id);
    if (!running.ok) return running;
    return ok(running.value ? null : `${operation.kind} ${operation.id} by ${operation.by} was abandoned`);
  }
  if (phase !== 'held') return ok(null);
  const at = await vip.read(config);
  if (!at.ok) return at;
  return ok(at.value === holder ? null : `the VIP is at ${at.value ?? 'nobody'}, and ${holder} is the main`);
}

/** Starts an execution of `settle` under this name; a second start of the same name must do nothing. */
export type StartSettle = (name: string, input: WorkflowState) => Outside<void>;

export interface Swept {
  started: string[];
  /** Per cluster that could not be looked at, why; the others were swept all the same. */
  problems: string[];
}

export async function sweep(ports: Looking & Pick<Ports, 'settings'>, start: StartSettle): Promise<Swept> {
  const swept: Swept = { started: [], problems: [] };
  const clusters = await ports.settings.clusters();
  if (!clusters.ok) return { ...swept, problems: [clusters.error.message] };
  for (const cluster of clusters.value) {
    const config = await ports.settings.config(cluster);
    const name = config.ok && config.value ? await sweepOne(ports, config.value, start) : config;
    if (!name.ok) swept.problems.push(`${cluster}: ${name.error.message}`);
    else if (typeof name.value === 'string') swept.started.push(name.value);
  }
  return swept;
}

/** Name of the execution that was started, or null. */
async function sweepOne(ports: Looking, config: ClusterConfig, start: StartSettle): Outside<string | null> {
  const lease = await ports.leases.read(config.name);
  if (!lease.ok || lease.value === null) return lease.ok ? ok(null) : lease;
  const reason = await leftBehind(ports, config, lease.value);
  if (!reason.ok) return reason;
  if (reason.value === null) {
    const woken = await wakeForNews(ports, config, lease.value);
    return woken.ok ? ok(null) : woken;
  }
  // Made of what was seen, so that two sweeps start one execution, and of the minute, so that one that failed is followed by
  // another; 31 + 9 + 10 + 12 + 13 characters at the most.
  const minute = ports.clock.wall().slice(0, 16).replace(/\D/g, '');
  const name = `${config.name}-settle-e${lease.value.epoch}-v${lease.value.version}-${minute}`;
  const started = await start(name, { cluster: config.name, by: 'automatic', reason: reason.value });
  return started.ok ? ok(name) : started;
}
