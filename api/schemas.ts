// Every shape that the REST API takes and gives, once: requests are checked by it, responses are tested by it, docs/openapi.json is
// made of it. The views are the command line's own (desk/view.ts, desk/outcome.ts): the types say so.

import { z } from 'zod';
import { type FenceHow, operationKinds, phases } from '../core/model';
import type { JournalEntry } from '../core/ports';
import { replicationModes } from '../core/replication';
import type { Explanation } from '../desk/explanation';
import type { Outcome } from '../desk/outcome';
import type { OperationPlan } from '../desk/plan';
import type { ClusterView, NodeView } from '../desk/view';

/** Named shapes: components of the document. */
export const components = z.registry<{ id: string }>();
const named = <T extends z.ZodType>(id: string, shape: T): T => {
  components.add(shape, { id });
  return shape;
};

export const clusterName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes');
export const nodeName = clusterName;
/** What Step Functions accepts as a name. */
export const operationId = z.string().regex(/^[A-Za-z0-9_.+=@()!'-]{1,80}$/, 'the id of an operation');
const time = z.iso.datetime().describe('wall clock, ISO 8601, UTC');
const text = (most: number) => z.string().trim().min(1).max(most);
const reason = text(500).describe('why; kept in the journal');
const name = z.string();
const bytes = z.number().nullable();

export const problem = named(
  'Problem',
  z.strictObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('what is wrong and why'),
    instance: z.string().optional().describe('the operation that it belongs to'),
    code: z.string().describe('stable; what a program decides on'),
    next: z.string().describe('what to do'),
    errors: z
      .array(z.strictObject({ in: z.enum(['path', 'query', 'header', 'body']), at: z.string(), message: z.string() }))
      .optional()
      .describe('every fault of the request'),
  }),
);

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

const holdShape = z.strictObject({ reason: z.string(), epoch: z.int() });

const policyShown = {
  mode: z.enum(['automatic', 'manual', 'maintenance']),
  until: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
};

export const clusterView = named(
  'Cluster',
  z.strictObject({
    cluster: name,
    policy: z.strictObject(policyShown),
    phase: z.enum(phases),
    status: z.enum(['L', 'P', 'F', '-']),
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
    degraded: z.boolean(),
    nodes: z.array(nodeView),
  }),
) satisfies z.ZodType<ClusterView>;

export const clusterList = named(
  'ClusterList',
  z.strictObject({
    clusters: z.array(z.union([clusterView, z.strictObject({ cluster: name, error: problem })])),
  }),
);

export const nodeList = named('NodeList', z.strictObject({ nodes: z.array(nodeView) }));

// ---- plans and explanations

export const planId = z
  .string()
  .max(80)
  .describe('exactly the plan of this id, or a refusal because the state has changed');

const evaluation = named(
  'Evaluation',
  z.strictObject({
    node: name,
    eligible: z.boolean(),
    because: z.string(),
    receivedBytes: bytes,
    appliedBytes: bytes,
    lagBytes: bytes,
  }),
);

const planned = {
  id: z.string().describe('bound to the state it was made from'),
  cluster: name,
  kind: z.enum(['switchover', 'failover']),
  epoch: z.int(),
  from: name.nullable(),
  candidate: name.nullable(),
  evaluations: z.array(evaluation),
  steps: z.array(z.strictObject({ name: z.string(), undo: z.string().nullable(), pointOfNoReturn: z.boolean() })),
  expected: z.strictObject({ writeGapMs: z.number(), source: z.string() }),
  atRisk: z.string(),
};
const shownPlan = z.strictObject(planned) satisfies z.ZodType<OperationPlan>;

const refusalShape = z.strictObject({ code: z.string(), message: z.string(), next: z.string() });

export const planView = named(
  'Plan',
  shownPlan.extend({ refusal: refusalShape.nullable().describe('why it would not begin now; null when it would') }),
);

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

export const operationRequest = named(
  'OperationRequest',
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('switchover'),
      to: nodeName.optional(),
      plan: planId.optional(),
      reason: reason.optional(),
    }),
    z.strictObject({
      kind: z.literal('failover'),
      to: nodeName.optional(),
      plan: planId.optional(),
      force: z.boolean().optional().describe('though the main is healthy; it is fenced first all the same'),
      reason: reason.optional(),
    }),
    z.strictObject({ kind: z.literal('recover'), node: nodeName, reason: reason.optional() }),
  ]),
);
export type OperationRequest = z.output<typeof operationRequest>;

export const operationStarted = named(
  'OperationStarted',
  z.strictObject({
    operation: z.string(),
    cluster: name,
    kind: z.enum(operationKinds),
    by: z.string(),
    replayed: z.boolean().describe('the key had started it before'),
  }),
);

const proofs = ['demote-ack', 'self-fence', 'power-off', 'drained', 'never-a-main'] as const satisfies FenceHow[];

const outcome = {
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
  method: z.string().nullable(),
  degraded: z.array(z.string()),
  startedAt: z.string().nullable(),
  ms: z.number(),
  because: z.string(),
  steps: z.array(z.strictObject({ name: z.string(), step: z.string(), ms: z.number(), because: z.string() })),
};

export const operationSummary = named('OperationSummary', z.strictObject(outcome)) satisfies z.ZodType<Outcome>;
export const operationList = named('OperationList', z.strictObject({ operations: z.array(operationSummary) }));

export const journalEntry = named(
  'JournalEntry',
  z.strictObject({
    cluster: name,
    at: z.string(),
    kind: z.enum(['operation', 'step', 'transition', 'decision', 'refusal', 'event']),
    actor: z.string(),
    epoch: z.int(),
    operation: z.string().nullable(),
    rule: z.string(),
    because: z.string(),
    ms: z.number().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
) satisfies z.ZodType<JournalEntry>;

export const operationView = named(
  'Operation',
  z.strictObject({
    ...outcome,
    cluster: name,
    status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).nullable().describe('of its execution'),
    problem: refusalShape.nullable(),
    entries: z.array(journalEntry),
  }),
);

// ---- holds, policy, history

export const holdView = named(
  'Hold',
  z.strictObject({
    cluster: name,
    hold: holdShape.nullable().describe('no automatic resync and no automatic move back until it is lifted'),
    shunned: z.array(z.strictObject({ node: name, label: z.string(), epoch: z.int(), next: z.string() })),
  }),
);

export const policyView = named('Policy', z.strictObject({ cluster: name, ...policyShown }));

export const policyRequest = named(
  'PolicyRequest',
  z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('automatic'), reason }),
    z.strictObject({ mode: z.literal('manual'), reason }),
    z.strictObject({ mode: z.literal('maintenance'), until: time, reason }),
  ]),
);
export type PolicyRequest = z.output<typeof policyRequest>;

export const historyPage = named(
  'HistoryPage',
  z.strictObject({
    cluster: name,
    entries: z.array(journalEntry).describe('oldest first'),
    before: z.string().nullable().describe('of the next, older page; null when there is none'),
  }),
);

export const whole = (least: number, most: number, preset: number) =>
  z.coerce.number().int().min(least).max(most).default(preset);
/** As it stands in a query. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
export const plannedKind = z.enum(['switchover', 'failover']);
export const before = time.describe('only what is older; from the last page');
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{8,128}$/, '8 to 128 printable characters, no spaces')
  .describe('the same key and body: the same operation, for 90 days');
export const ifMatch = z.string().min(1).max(100).describe('the ETag that was read, or * to replace whatever is there');
