// What every step is given and what it returns. A step reads the world through ports, is idempotent, keyed by
// (cluster, epoch, step), and never throws for the world's sake. One file per step in steps/.

import { assert } from '../core/assert';
import type { Brake } from '../core/brake';
import type { ChangeRequest } from '../core/clauses';
import { halt, type OutsideProblem, retry, type StepProblem, undo } from '../core/errors';
import { isThrottled } from '../core/fleet';
import { changed, type TransitionName } from '../core/lease';
import type { ClusterConfig, Lease, NodeConfig, NodeName, Report } from '../core/model';
import type {
  Clock,
  Events,
  Executions,
  Ids,
  Journal,
  LeaseStore,
  Poker,
  Power,
  Reports,
  Settings,
  Tasks,
  Vip,
  Waits,
} from '../core/ports';
import { fail, ok, type Result } from '../core/result';
import type { WorkflowState } from './state';

export interface Ports {
  leases: LeaseStore;
  reports: Reports;
  settings: Settings;
  journal: Journal;
  events: Events;
  poker: Poker;
  power: Power;
  waits: Waits;
  tasks: Tasks;
  vip: Vip;
  executions: Executions;
  /** Absent: nobody is ever held. */
  brake?: Brake;
  clock: Clock;
  ids: Ids;
}

export interface StepContext {
  ports: Ports;
  config: ClusterConfig;
  /** Read strongly just before the step began; stale checks are done (run-step.ts). */
  lease: Lease;
  state: WorkflowState;
  /** Name of the execution. */
  operation: string;
  /** Of a step that puts its execution to sleep: what wakes it. */
  token?: string;
  /** On the ports' clock. */
  deadlineAtMs: number;
  /** For the journal entry of this step, beside the result. */
  note: (because: string, details?: Record<string, unknown>) => void;
}

export type StepResult = Promise<Result<Partial<WorkflowState>, StepProblem>>;
export type Step = (context: StepContext) => StepResult;

export interface StepDefinition {
  run: Step;
  /** What must hold before it runs: nothing yet, our operation on the lease, or that and our epoch (L5, T48). */
  needs: 'nothing' | 'operation' | 'epoch';
}

/** An outside problem as a step's: unreachable is tried again, the rest stops. Waiting for one's turn is no failure (T66). */
export function fromOutside(problem: OutsideProblem): StepProblem {
  if (isThrottled(problem)) return retry('Queued', problem.message, problem.next, problem.details);
  return problem.code === 'Unreachable'
    ? retry('Unreachable', problem.message, problem.next, problem.details)
    : halt('Broken', problem.message, problem.next, problem.details);
}

/**
 * One transition of the lease: read, apply the table, compare and swap; again when somebody else wrote in between.
 * `already`: what the lease looks like when another invocation of the same step has written it (T48).
 */
export async function changeLease(
  { ports, config }: Pick<StepContext, 'ports' | 'config'>,
  name: TransitionName,
  requestFor: (lease: Lease) => ChangeRequest,
  already: (lease: Lease) => boolean = () => false,
): Promise<Result<Lease, StepProblem>> {
  const read = await ports.leases.read(config.name);
  if (!read.ok) return fail(fromOutside(read.error));
  let lease = read.value;
  // Renewals of the holder are the only frequent writer: a handful of rounds is plenty.
  for (let round = 0; round < 20 && lease !== null; round++) {
    if (already(lease)) return ok(lease);
    const next = changed(lease, name, requestFor(lease), ports.ids.next());
    if (!next.ok) return fail(undo('LeaseRefused', next.error.message, next.error.next));
    const swapped = await ports.leases.swap(lease, next.value);
    if (swapped.ok) return ok(swapped.value);
    if (!('winner' in (swapped.error.details ?? {}))) return fail(fromOutside(swapped.error as OutsideProblem));
    lease = (swapped.error.details as { winner: Lease | null }).winner;
  }
  return fail(
    retry('NotYet', `the lease of ${config.name} changes too often to be written`, 'the step is tried again'),
  );
}

/** Looks again and again until it has an answer; null when the step's deadline comes first. */
export async function until<T>(
  { ports, deadlineAtMs }: Pick<StepContext, 'ports' | 'deadlineAtMs'>,
  look: () => Promise<T | null>,
  everyMs: number | (() => number) = 50,
): Promise<T | null> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    const waitMs = typeof everyMs === 'number' ? everyMs : everyMs();
    if (ports.clock.nowMs() + waitMs >= deadlineAtMs) return null;
    await ports.clock.sleep(waitMs);
  }
}

/** The cluster's reports, or none when they cannot be read now: pollers look again. */
export async function reportsOf({ ports, config }: Pick<StepContext, 'ports' | 'config'>): Promise<Report[]> {
  const listed = await ports.reports.list(config.name);
  return listed.ok ? listed.value : [];
}

export function nodeOf(config: ClusterConfig, name: NodeName): NodeConfig {
  const node = config.nodes.find((candidate) => candidate.name === name);
  assert(node, `a lease names only configured nodes: ${name}`);
  return node;
}

/** What a step relies on from earlier steps of its plan. */
export function need<K extends keyof WorkflowState>(state: WorkflowState, key: K): NonNullable<WorkflowState[K]> {
  const value = state[key];
  assert(value !== undefined && value !== null, `an earlier step of the plan has set '${key}'`);
  return value as NonNullable<WorkflowState[K]>;
}

/** "Look at the lease now": best effort by nature, so its failure is noted and nothing else. */
export async function poke(context: StepContext, lease: Lease): Promise<void> {
  const poked = await context.ports.poker.poke(context.config.nodes, lease.cluster, lease.epoch);
  if (!poked.ok) context.note(`poke not delivered (${poked.error.code}); agents read the lease by themselves`);
}
