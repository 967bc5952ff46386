// Runs one step of a plan: input checked, lease read, stale epochs and foreign operations refused once, here, before any
// other code (T48), and exactly one journal entry written for what came of it. The same in Lambda, tests and simulation.

import { halt, type StepProblem, undo } from '../core/errors';
import type { ClusterConfig, Lease } from '../core/model';
import { fail, ok, type Result } from '../core/result';
import type { WorkflowState } from './state';
import { fromOutside, type Ports, type StepContext, type StepDefinition } from './step';
import { steps } from './steps';

export interface StepCall {
  step: string;
  state: unknown;
  operation: string;
  deadlineMs: number;
  /** Task token, for a step that puts its execution to sleep. */
  token?: string;
}

/** The state after the step, or its problem. Never throws for the world's sake. */
export async function runStep(ports: Ports, call: StepCall): Promise<Result<WorkflowState, StepProblem>> {
  const startedAtMs = ports.clock.nowMs();
  const definition: StepDefinition | undefined = steps[call.step];
  if (!definition)
    return fail(halt('Broken', `there is no step '${call.step}'`, 'deploy the plan and the functions together'));
  const checked = checkInput(call.state);
  if (!checked.ok) return checked;
  const state = checked.value;
  const loaded = await load(ports, state.cluster);
  if (!loaded.ok) return loaded;
  const { config, lease } = loaded.value;
  const notes: { because: string; details?: Record<string, unknown> }[] = [];
  const context: StepContext = {
    ports,
    config,
    lease,
    state,
    operation: call.operation,
    ...(call.token === undefined ? {} : { token: call.token }),
    deadlineAtMs: startedAtMs + call.deadlineMs,
    note: (because, details) => notes.push(details ? { because, details } : { because }),
  };
  const stale = judgeStale(definition, context);
  const result = stale ? fail(stale) : await definition.run(context);
  await write(context, call.step, result, notes, ports.clock.nowMs() - startedAtMs);
  return result.ok ? ok({ ...state, ...result.value }) : result;
}

const fields: Record<string, 'string' | 'boolean'> = {
  to: 'string',
  node: 'string',
  force: 'boolean',
  acceptLoss: 'boolean',
  approvedBy: 'string',
  by: 'string',
  reason: 'string',
};

/** Execution input may be typed by a person into a console: every fault gets its sentence. */
function checkInput(input: unknown): Result<WorkflowState, StepProblem> {
  const faults: string[] = [];
  const given = (typeof input === 'object' && input !== null && !Array.isArray(input) ? input : {}) as Record<
    string,
    unknown
  >;
  if (typeof given.cluster !== 'string' || given.cluster === '') faults.push("'cluster' must be the name of a cluster");
  for (const [field, type] of Object.entries(fields)) {
    const value = given[field];
    if (value !== undefined && typeof value !== type)
      faults.push(`'${field}' must be a ${type}, not ${JSON.stringify(value)}`);
  }
  const plan = given.plan as { id?: unknown; epoch?: unknown } | undefined;
  if (plan !== undefined && (typeof plan?.id !== 'string' || typeof plan.epoch !== 'number'))
    faults.push(`'plan' must be {"id":"7-db2-3f9a01bc77","epoch":7}, not ${JSON.stringify(plan)}`);
  if (faults.length === 0) return ok(given as unknown as WorkflowState);
  return fail(
    undo(
      'BadInput',
      `the execution's input is not valid: ${faults.join('; ')}`,
      'start it again with, for example, {"cluster":"alpha"}',
    ),
  );
}

async function load(
  ports: Ports,
  cluster: string,
): Promise<Result<{ config: ClusterConfig; lease: Lease }, StepProblem>> {
  const [config, lease] = await Promise.all([ports.settings.config(cluster), ports.leases.read(cluster)]);
  if (!config.ok) return fail(fromOutside(config.error));
  if (!lease.ok) return fail(fromOutside(lease.error));
  if (config.value === null) {
    const known = await ports.settings.clusters();
    const names = known.ok ? known.value.join(', ') || 'none' : 'unknown';
    return fail(
      undo('UnknownCluster', `there is no cluster '${cluster}' (known: ${names})`, 'check the name with: mainstay ls'),
    );
  }
  if (lease.value === null || lease.value.phase === 'vacant') {
    return fail(
      undo(
        'Vacant',
        `cluster ${cluster} has never had a main`,
        `say which node is right: mainstay start ${cluster} [--node NAME]`,
      ),
    );
  }
  return ok({ config: config.value, lease: lease.value });
}

function judgeStale({ needs }: StepDefinition, { lease, state, operation }: StepContext): StepProblem | null {
  // Until the operation has an epoch of its own, the plan's is the one that it must find (T53).
  if (state.plan && state.epoch === undefined && state.problem === undefined && state.plan.epoch !== lease.epoch)
    return undo(
      'PlanChanged',
      `plan ${state.plan.id} was made at epoch ${state.plan.epoch}, and the lease is at epoch ${lease.epoch}`,
      'make a new plan: --dry-run',
    );
  if (needs === 'nothing') return null;
  if (lease.operation?.id !== operation) {
    const other = lease.operation ? `operation ${lease.operation.id}` : 'no operation';
    return halt(
      'StaleEpoch',
      `${other} is on the lease now, not ${operation}`,
      `nothing more is touched: see mainstay status ${lease.cluster}`,
    );
  }
  if (needs === 'epoch' && state.epoch !== lease.epoch) {
    return halt(
      'StaleEpoch',
      `the lease is at epoch ${lease.epoch}, this step belongs to epoch ${state.epoch}`,
      `nothing more is touched: see mainstay status ${lease.cluster}`,
    );
  }
  return null;
}

async function write(
  { ports, config, lease, state, operation }: StepContext,
  step: string,
  result: Result<Partial<WorkflowState>, StepProblem>,
  notes: { because: string; details?: Record<string, unknown> }[],
  ms: number,
): Promise<void> {
  const epoch = (result.ok ? result.value.epoch : undefined) ?? state.epoch ?? lease.epoch;
  const entry = {
    cluster: config.name,
    at: ports.clock.wall(),
    actor: `step:${step}`,
    epoch,
    operation,
    ms: Math.round(ms),
  };
  const because = notes.map((note) => note.because).join('; ');
  const details = Object.assign({}, ...notes.map((note) => note.details ?? {}));
  // Best effort: a journal that cannot be written must not stop a failover.
  await ports.journal.append(
    result.ok
      ? { ...entry, kind: 'step', rule: step, because: because || 'done', details }
      : {
          ...entry,
          kind: 'refusal',
          rule: `${result.error.family}.${result.error.code}`,
          because: `${result.error.message}; next: ${result.error.next}`,
          details: { ...details, ...result.error.details, step },
        },
  );
}
