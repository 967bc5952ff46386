// What an operator is shown, as shapes: of each view that more than one document of the command line or the REST API contains. Each is held
// to the type of what is really shown. Never imported by what runs at a terminal: a command starts without it.

import { z } from 'zod';
import type { Evaluation } from '../core/candidates';
import { type FenceHow, type Hold, operationKinds, phases } from '../core/model';
import type { PolicyNow } from '../core/policy';
import type { JournalEntry } from '../core/ports';
import { replicationModes } from '../core/replication';
import type { Explanation } from './explanation';
import type { Outcome } from './outcome';
import type { OperationPlan } from './plan';
import type { ClusterView, NodeView } from './view';

/** Named shapes: components of the document. */
export const components = z.registry<{ id: string }>();
export const named = <T extends z.ZodType>(id: string, shape: T): T => {
  components.add(shape, { id });
  return shape;
};

const name = z.string();
const bytes = z.number().nullable();

// ---- clusters and nodes

export const nodeView = named(
  'Node',
  z.strictObject({
    node: name,
    state: z.string().describe('MAIN, BACKUP, SHUNNED(…), SILENT(was …), NEVER SEEN …'),
    storedBytes: bytes,
    appliedBytes: bytes,
    lagBytes: bytes,
    following: name.nullable(),
    streaming: z.boolean(),
    deadman: z.enum(['armed', 'disarmed', 'absent']).nullable(),
    gate: z.enum(['absent', 'shut', 'promise', 'read-only']).nullable(),
    recorded: z.boolean().describe('has every acknowledged commit (sync, strict)'),
    seenSecondsAgo: z.number().nullable(),
    rule: z.string().nullable(),
    because: z.string().nullable(),
    problem: z.string().nullable().describe('what the engine complains of'),
    candidate: z.strictObject({ eligible: z.boolean(), because: z.string() }).describe('whether it could become main'),
  }),
) satisfies z.ZodType<NodeView>;

export const holdShape = z.strictObject({ reason: z.string(), epoch: z.int() }) satisfies z.ZodType<Hold>;

export const policyShown = z.strictObject({
  mode: z.enum(['automatic', 'manual', 'maintenance']),
  until: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
}) satisfies z.ZodType<PolicyNow>;

export const clusterView = named(
  'Cluster',
  z.strictObject({
    cluster: name,
    policy: policyShown,
    phase: z.enum(phases),
    status: z.enum(['L', 'P', 'F', '-']).describe('live, paused cleanly, reserved for a failback, nobody is main'),
    epoch: z.int(),
    main: name.nullable(),
    vip: z.strictObject({ host: z.string(), port: z.int() }),
    hold: holdShape.nullable(),
    unproven: name.nullable().describe('the former main that is not proven stopped: nobody is promoted before it is'),
    operation: z
      .strictObject({
        id: z.string(),
        kind: z.enum(operationKinds),
        by: z.string(),
        since: z.string(),
        node: name.optional(),
        probeEpoch: z.int().optional(),
      })
      .nullable(),
    drain: z.enum(['transfer', 'pause']).nullable(),
    pausedBy: z.enum(['stop', 'operator']).nullable(),
    replication: z.enum(replicationModes),
    degraded: z.boolean().describe('sync: commits wait for nobody now'),
    nodes: z.array(nodeView),
  }),
) satisfies z.ZodType<ClusterView>;

// ---- plans and explanations

export const evaluationShape = named(
  'Evaluation',
  z.strictObject({
    node: name,
    eligible: z.boolean(),
    because: z.string(),
    receivedBytes: bytes,
    appliedBytes: bytes,
    lagBytes: bytes,
  }),
) satisfies z.ZodType<Evaluation>;

export const shownPlan = z.strictObject({
  id: z.string().describe('bound to the state it was made from'),
  cluster: name,
  kind: z.enum(['switchover', 'failover']),
  epoch: z.int(),
  from: name.nullable(),
  candidate: name.nullable().describe('null: nobody could be chosen'),
  evaluations: z.array(evaluationShape),
  steps: z.array(z.strictObject({ name: z.string(), undo: z.string().nullable(), pointOfNoReturn: z.boolean() })),
  expected: z.strictObject({ writeGapMs: z.number(), source: z.string() }),
  atRisk: z.string(),
}) satisfies z.ZodType<OperationPlan>;

/** A problem, as far as it is told. */
export const refusalShape = z.strictObject({ code: z.string(), message: z.string(), next: z.string() });

export const explanationView = named(
  'Explanation',
  z.strictObject({
    cluster: name,
    safe: z.boolean(),
    findings: z.array(z.strictObject({ level: z.enum(['danger', 'warning']), what: z.string(), next: z.string() })),
    ifMainDied: z.array(z.strictObject({ step: z.string(), because: z.string() })),
    winner: name.nullable(),
    last: z
      .strictObject({
        operation: z.string().nullable(),
        ended: z.string(),
        at: z.string(),
        sentences: z.array(z.strictObject({ rule: z.string(), because: z.string() })),
      })
      .nullable(),
  }),
) satisfies z.ZodType<Explanation>;

// ---- operations

const proofs = ['demote-ack', 'self-fence', 'power-off', 'drained', 'never-a-main'] as const satisfies FenceHow[];

export const operationSummary = named(
  'OperationSummary',
  z.strictObject({
    by: z.string().nullable(),
    reason: z.string().nullable(),
    writeGap: z
      .strictObject({
        from: z.string(),
        until: z.string(),
        ms: z.number(),
        bound: z.enum(['at most', 'at least']),
        confirmed: z.string().nullable(),
      })
      .nullable(),
    loss: z.strictObject({ atLeastBytes: z.number(), sampledAt: z.string().nullable() }).nullable(),
    proof: z.strictObject({ how: z.enum(proofs), evidence: z.string() }).nullable(),
    operation: z.string(),
    kind: z.enum(operationKinds).nullable(),
    ended: z.enum(['running', 'done', 'degraded', 'refused', 'undone', 'paged']),
    from: name.nullable(),
    to: name.nullable(),
    epochBefore: z.int().nullable(),
    epochAfter: z.int().nullable(),
    method: z.string().nullable().describe('recover: how the node came back'),
    degraded: z.array(z.string()).describe('what did not follow in time'),
    startedAt: z.string().nullable(),
    ms: z.number(),
    because: z.string().describe('the last thing that was said'),
    steps: z.array(z.strictObject({ name: z.string(), step: z.string(), ms: z.number(), because: z.string() })),
  }),
) satisfies z.ZodType<Outcome>;

export const journalEntry = named(
  'JournalEntry',
  z.strictObject({
    cluster: name,
    at: z.string(),
    kind: z.enum(['operation', 'step', 'transition', 'decision', 'refusal', 'event']),
    actor: z.string().describe('step:…, agent:…, operator:…'),
    epoch: z.int(),
    operation: z.string().nullable(),
    rule: z.string().describe('of a rule, a transition or a step'),
    because: z.string(),
    ms: z.number().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
) satisfies z.ZodType<JournalEntry>;
