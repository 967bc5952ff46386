// After a person has changed the lease (desk/lease-change.ts): the entry about it in the journal, and waiting for what it leads to.

import type { ClusterConfig, Lease } from '../core/model';
import { fail, ok } from '../core/result';
import type { Desk } from '../desk/desk';
import { failure } from '../desk/problems';
import { type ActOfAPerson, recorded } from '../desk/record';
import { pollMs } from './follow';
import type { Session } from './session';

/** Who did it, on record; says so when it is not. */
export async function recordAct({ desk, screen }: Session, lease: Lease, act: ActOfAPerson): Promise<void> {
  const appended = await recorded(desk, lease, act);
  if (!appended.ok) screen.warn(`this is not in the journal: ${appended.error.message}`);
}

export interface Awaited {
  config: ClusterConfig;
  node: string;
  timeoutMs: number;
  reached: (lease: Lease) => boolean;
  /** What is waited for, in the sentence of a time-out. */
  what: string;
}

/** Until the lease is as awaited; tells on the way what the node says of itself. Reads only. */
export async function waitForLease({ desk, screen, interrupted }: Session, awaited: Awaited): Promise<Lease> {
  const { config, node, timeoutMs, reached, what } = awaited;
  const deadlineAtMs = desk.clock.nowMs() + timeoutMs;
  for (let told = ''; ; ) {
    const [lease, report] = await Promise.all([desk.leases.read(config.name), reportOf(desk, config.name, node)]);
    if (report.ok && report.value && report.value !== told) {
      told = report.value;
      screen.line(told);
    }
    if (lease.ok && lease.value && reached(lease.value)) return lease.value;
    if (interrupted() || desk.clock.nowMs() >= deadlineAtMs) {
      throw failure('InProgress', `${what} is still awaited`, `look again: mainstay status ${config.name}`);
    }
    await desk.clock.sleep(pollMs);
  }
}

/** What the node says of itself, as one line. */
async function reportOf(desk: Desk, cluster: string, node: string) {
  const listed = await desk.reports.list(cluster);
  if (!listed.ok) return fail(listed.error);
  const report = listed.value.find((candidate) => candidate.node === node);
  return ok(report ? `${node} is ${report.state}: ${report.rule} ${report.because}` : null);
}
