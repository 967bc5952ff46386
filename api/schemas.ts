// Every shape that the REST API takes and gives, once: requests are checked by it, responses are tested by it, docs/openapi.json is
// made of it. The views are the command line's own (desk/shapes.ts).

import { z } from 'zod';
import { operationKinds } from '../core/model';
import {
  clusterView,
  holdShape,
  journalEntry,
  named,
  nodeView,
  operationSummary,
  policyShown,
  refusalShape,
  shownPlan,
} from '../desk/shapes';

export const clusterName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes');
export const nodeName = clusterName;
/** What Step Functions accepts as a name. */
export const operationId = z.string().regex(/^[A-Za-z0-9_.+=@()!'-]{1,80}$/, 'the id of an operation');
export const time = z.iso.datetime().describe('wall clock, ISO 8601, UTC');
const text = (most: number) => z.string().trim().min(1).max(most);
export const reason = text(500).describe('why; kept in the journal');
const name = z.string();

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

export const planView = named(
  'Plan',
  shownPlan.extend({ refusal: refusalShape.nullable().describe('why it would not begin now; null when it would') }),
);

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
      acceptLoss: z
        .boolean()
        .optional()
        .describe('also to a node that lacks acknowledged writes: name it (to, or plan), and say why (reason)'),
      reason: reason.optional(),
    }),
    z.strictObject({ kind: z.literal('failback'), reason }),
    z.strictObject({ kind: z.literal('recover'), node: nodeName, reason: reason.optional() }),
  ]),
);

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

export const operationList = named('OperationList', z.strictObject({ operations: z.array(operationSummary) }));

export const reportView = named('Report', operationSummary.extend({ cluster: name, entries: z.array(journalEntry) }));

export const operationView = named(
  'Operation',
  operationSummary.extend({
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

export const policyView = named('Policy', z.strictObject({ cluster: name, ...policyShown.shape }));

export const policyRequest = named(
  'PolicyRequest',
  z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('automatic'), reason }),
    z.strictObject({ mode: z.literal('manual'), reason }),
    z.strictObject({ mode: z.literal('maintenance'), until: time, reason }),
  ]),
);

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
export const accept = z.string().max(500);
export const ifMatch = z.string().min(1).max(100).describe('the ETag that was read, or * to replace whatever is there');
