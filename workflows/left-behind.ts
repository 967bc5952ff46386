// What there is to be put in order in a cluster: an operation whose execution has ended (T50), or a VIP that is not at the main (T47).
// Asked by the sweep, and again by the plan `settle` before it touches anything.

import type { OutsideProblem } from '../core/errors';
import type { ClusterConfig, Lease, NodeName } from '../core/model';
import type { Outside } from '../core/ports';
import { ok, type Result } from '../core/result';
import type { Ports } from './step';

/** What there is to be put in order, as a sentence; null when there is nothing, or when somebody is at it. */
export async function leftBehind(
  { executions, vip }: Pick<Ports, 'executions' | 'vip'>,
  config: ClusterConfig,
  lease: Lease,
): Outside<string | null> {
  if (lease.operation !== null) return abandoned({ executions }, lease.operation);
  return hasVip(lease) ? astray(lease, await vip.read(config)) : ok(null);
}

export async function abandoned(
  { executions }: Pick<Ports, 'executions'>,
  operation: NonNullable<Lease['operation']>,
): Outside<string | null> {
  const running = await executions.running(operation.id);
  if (!running.ok) return running;
  return ok(running.value ? null : `${operation.kind} ${operation.id} by ${operation.by} was abandoned`);
}

/** Whether the VIP has a place where it must be: there is a main, and nobody is moving anything. */
export const hasVip = ({ operation, phase }: Lease): boolean => operation === null && phase === 'held';

export function astray(
  { holder }: Lease,
  at: Result<NodeName | null, OutsideProblem>,
): Result<string | null, OutsideProblem> {
  if (!at.ok) return at;
  return ok(at.value === holder ? null : `the VIP is at ${at.value ?? 'nobody'}, and ${holder} is the main`);
}
