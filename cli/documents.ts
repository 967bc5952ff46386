// What each command prints with --json, as shapes, and which exit codes it may end with: docs/cli.md is drawn from here, and every test
// that runs a command holds it to this. Never imported by what runs at a terminal: a command starts without it.

import { z } from 'zod';
import type { BrakeLimits, BrakeRelease } from '../core/brake';
import type { Attempt, Bar } from '../core/model';
import { operationKinds } from '../core/model';
import type { PolicyNow } from '../core/policy';
import type { Check } from '../desk/checkup';
import { type CliCode, cliCodes, type Ending } from '../desk/exit-codes';
import type { FailingPlan } from '../desk/failing';
import type { HeldNode, Holds } from '../desk/holds';
import type { CliProblem } from '../desk/problems';
import {
  clusterView,
  evaluationShape,
  explanationView,
  holdShape,
  journalEntry,
  nodeView,
  operationSummary,
  policyShown,
  shownPlan,
} from '../desk/shapes';
import type { Woken } from '../workflows/wake';

export interface CommandDocuments {
  /** The document, by the occasion on which it is printed. Of a stream: of each line. */
  json: Record<string, z.ZodType>;
  /** One line for each, without end. */
  stream?: true;
  /** With --watch a line for each look. */
  watches?: true;
  endings: readonly Ending[];
}

const name = z.string();
const bytes = z.number().nullable();
const ms = z.number().describe('how long it took');

const problem = z.strictObject({
  code: z.enum(cliCodes as [CliCode, ...CliCode[]]).describe('stable; what a program decides on'),
  message: z.string().describe('what is wrong and why'),
  next: z.string().describe('what to do'),
  operation: z.string().optional().describe('the execution that it belongs to'),
}) satisfies z.ZodType<Pick<CliProblem, 'code' | 'message' | 'next'>>;

/** Of every command that cannot give its document: in its place, or after the lines of a stream. */
export const errorDocument = z.strictObject({ error: problem });

const ended = operationSummary.extend({ cluster: name });
const begun = z.strictObject({
  operation: z.string().describe('the name of the execution'),
  cluster: name,
  kind: z.enum(operationKinds),
  ended: z.literal('running'),
});
const operation = { 'when it is over': ended, 'with --no-wait': begun };

const dryRun = shownPlan.extend({
  dryRun: z.literal(true),
  secondPerson: z.literal(true).optional().describe('another person has to agree'),
});

const seated = z.strictObject({ cluster: name, main: name, epoch: z.int(), ms });

const heldNode = z.strictObject({
  node: name,
  label: z.string().describe('FAILED-OVER-TO-…'),
  epoch: z.int(),
  receivedBytes: bytes.describe('the last position that it told of'),
  forkBytes: bytes.describe('where the history of the service left its own'),
  notSynchronisedBytes: bytes.describe('what it has that the service has not, by its last report'),
  reportedAt: z.string().nullable(),
  kept: z.string().describe('what is kept, and where'),
  next: z.string(),
}) satisfies z.ZodType<HeldNode>;

const holds = z.strictObject({
  cluster: name,
  hold: holdShape.nullable(),
  nodes: z.array(heldNode),
}) satisfies z.ZodType<Holds>;

const bar = z.strictObject({ by: z.string(), reason: z.string(), at: z.string() }) satisfies z.ZodType<Bar>;
const attempt = z.strictObject({ operation: z.string(), at: z.string() }) satisfies z.ZodType<Attempt>;

const check = z.strictObject({
  what: z.string(),
  level: z.enum(['ok', 'warning', 'danger']),
  found: z.string(),
  next: z.string().describe('what to do; empty when it is well'),
}) satisfies z.ZodType<Check>;

const limits = z.strictObject({
  failovers: z.number().describe('so many may always fail over in a window'),
  percent: z.number().describe('and so many of all clusters, when that is more'),
  windowMs: z.number(),
}) satisfies z.ZodType<BrakeLimits>;

const release = z.strictObject({
  untilMs: z.number().describe('wall clock'),
  by: z.string(),
  reason: z.string(),
}) satisfies z.ZodType<BrakeRelease>;

const woken = z.enum(['woken', 'gone', 'nobody', 'later']) satisfies z.ZodType<Woken | 'later'>;

const drilled = z.strictObject({
  cluster: name,
  node: name,
  longestGapMs: z.number().nullable().describe('null: the journal does not tell, or nobody was to be without a main'),
  objectiveMs: z.number().nullable(),
  met: z.boolean().describe('true also when nothing was asked for'),
  next: z.string(),
});

const failingShape = z.strictObject({
  cluster: name,
  node: name,
  instanceId: z.string().describe('whose power would be cut'),
  role: z.enum(['main', 'backup']),
  main: name,
  epoch: z.int(),
  candidate: name.nullable().describe('who would take over from the main; null for a backup'),
  expected: shownPlan.shape.expected.nullable(),
  atRisk: z.string(),
  next: z.string().describe('once it is over'),
}) satisfies z.ZodType<FailingPlan>;

const always = 'always';
/** Whoever asks the control plane may not be answered, or may not be allowed to ask. */
const asks: readonly Ending[] = ['done', 'failed', 'usage', 'notAuthorised', 'unreachable'];
const refuses: readonly Ending[] = [...asks, 'refused'];
const waits: readonly Ending[] = [...refuses, 'inProgress'];

export const documents: Record<string, CommandDocuments> = {
  ls: {
    json: {
      [always]: z.strictObject({
        clusters: z.array(z.union([clusterView, z.strictObject({ cluster: name, error: problem })])),
      }),
    },
    watches: true,
    endings: asks,
  },
  status: {
    json: { [always]: clusterView.extend({ lastOperation: operationSummary.nullable() }) },
    watches: true,
    endings: asks,
  },
  explain: { json: { [always]: explanationView }, endings: refuses },
  doctor: {
    json: { [always]: z.strictObject({ healthy: z.boolean(), checks: z.array(check) }) },
    endings: asks,
  },
  switch: { json: { ...operation, 'with --dry-run': dryRun }, endings: waits },
  failover: {
    json: {
      ...operation,
      'with --dry-run': dryRun,
      'with --accept-loss, where a second person has to agree': z.strictObject({
        cluster: name,
        asked: z.literal(true),
        plan: z.string(),
        candidate: name,
        atRisk: z.string(),
        next: z.string(),
      }),
    },
    endings: waits,
  },
  failback: { json: operation, endings: waits },
  'confirm-fenced': {
    json: {
      [always]: z.strictObject({
        cluster: name,
        node: name,
        epoch: z.int(),
        by: z.string(),
        reason: z.string(),
        operation: z.string(),
        woken: woken.describe('later: it looks by itself within a minute'),
      }),
    },
    endings: refuses,
  },
  approve: { json: operation, endings: waits },
  recover: { json: operation, endings: waits },
  hold: {
    json: {
      ls: z.strictObject({ holds: z.array(holds) }),
      clear: z.strictObject({ cluster: name, hold: z.null(), shunned: z.array(name).describe('who still stays out') }),
    },
    endings: refuses,
  },
  policy: {
    json: {
      [always]: policyShown.extend({
        cluster: name,
        barred: z.record(name, bar).describe('by node: who said that it is not to become main'),
        attempts: z.array(attempt).describe('automatic failovers that nobody has acknowledged'),
      }) satisfies z.ZodType<PolicyNow>,
    },
    endings: refuses,
  },
  brake: {
    json: {
      [always]: z.strictObject({
        held: z.boolean(),
        places: z.number().describe('so many clusters may fail over by themselves in one window'),
        taken: z.number(),
        clusters: z.number(),
        limits,
        release: release.nullable(),
      }),
    },
    endings: refuses,
  },
  drill: {
    json: {
      [always]: z.strictObject({
        cluster: name,
        legs: z.array(operationSummary),
        longestGapMs: z.number().nullable().describe('null: the journal does not tell'),
        objectiveMs: z.number().nullable(),
        met: z.boolean(),
      }),
    },
    endings: waits,
  },
  fail: {
    json: {
      'of the main': drilled.extend({ role: z.literal('main'), operation: operationSummary }),
      'of a backup': drilled.extend({
        role: z.literal('backup'),
        main: name,
        epoch: z.int(),
        noticedMs: z.number().describe('from the cut until it was missed'),
      }),
      'with --dry-run': failingShape.extend({ dryRun: z.literal(true) }),
    },
    endings: waits,
  },
  history: {
    json: {
      [always]: z.strictObject({
        cluster: name,
        groups: z
          .array(
            z.strictObject({
              operation: z.string().nullable().describe('null: outside of operations'),
              outcome: operationSummary.nullable(),
              entries: z.array(journalEntry),
            }),
          )
          .describe('oldest first'),
      }),
    },
    endings: asks,
  },
  report: { json: { [always]: ended.extend({ entries: z.array(journalEntry) }) }, endings: asks },
  watch: { json: { 'one line for each entry': journalEntry }, stream: true, endings: [...asks, 'inProgress'] },
  start: { json: { [always]: seated }, endings: waits },
  pause: { json: { [always]: seated.extend({ phase: z.literal('paused') }) }, endings: waits },
  resume: { json: { [always]: seated }, endings: waits },
  completion: {
    json: { [always]: z.strictObject({ shell: z.enum(['bash', 'zsh']), script: z.string() }) },
    endings: ['done', 'failed', 'usage'],
  },
};

/** Those that have a name in the documentation: what several documents contain. */
export const documentTypes: Record<string, z.ZodType> = {
  ClusterView: clusterView,
  NodeView: nodeView,
  Evaluation: evaluationShape,
  OperationPlan: shownPlan,
  DryRun: dryRun,
  Outcome: operationSummary,
  Ended: ended,
  Begun: begun,
  Seated: seated,
  JournalEntry: journalEntry,
  Holds: holds,
  Problem: problem,
};
