// What is stored, as shapes that are checked when it is read back: an item that does not fit is Broken, never guessed.
// Shared by the AWS and the memory store. Unknown attributes pass through untouched: during an upgrade an old version
// reads, changes and writes back what a newer one stored (T65).

import * as z from 'zod/mini';
import { failbackModes } from '../core/failback';
import { storeLossModes } from '../core/failsafe';
import { defaultFlapping } from '../core/flapping';
import { importances } from '../core/fleet';
import {
  type ClusterConfig,
  fenceRungs,
  type Lease,
  type NodeState,
  nodeStates,
  operationKinds,
  type Policy,
  phases,
  type Report,
  type Waiting,
} from '../core/model';
import type { JournalEntry, Outside } from '../core/ports';
import { replicationModes } from '../core/replication';
import { fail, ok } from '../core/result';
import { broken } from './problems';

const text = z.string();
const count = z.number().check(z.int(), z.gte(0));
const position = z.looseObject({ timeline: count, bytes: count });
const proof = z.looseObject({
  node: text,
  epoch: count,
  how: z.enum([...fenceRungs, 'drained', 'never-a-main']),
  evidence: text,
});

const voucher = z.looseObject({ node: text, epoch: count, version: count, by: text, reason: text, at: text });

export const waitingShape = z.looseObject({
  cluster: text,
  operation: text,
  epoch: count,
  node: text,
  tokens: z.array(text),
  since: text,
}) satisfies z.ZodMiniType<Waiting>;

export const leaseShape = z.looseObject({
  cluster: text,
  epoch: count,
  phase: z.enum(phases),
  holder: z.nullable(text),
  renewals: count,
  ttlMs: z.number().check(z.gt(0)),
  drain: z.nullable(z.enum(['transfer', 'pause'])),
  pausedBy: z.nullable(z.enum(['stop', 'operator'])),
  reservedFor: z.nullable(text),
  former: z.nullable(text),
  operation: z.nullable(
    z.looseObject({
      id: text,
      kind: z.enum(operationKinds),
      by: text,
      since: text,
      node: z.optional(text),
      probeEpoch: z.optional(count),
    }),
  ),
  fence: z.nullable(proof),
  vouched: z._default(z.nullable(voucher), null),
  shunned: z.record(text, z.looseObject({ label: text, epoch: count })),
  hold: z.nullable(z.looseObject({ reason: text, epoch: count })),
  lineage: z.array(z.looseObject({ timeline: z.nullable(count), fromBytes: count, epoch: count })),
  barred: z._default(z.record(text, z.looseObject({ by: text, reason: text, at: text })), {}),
  attempts: z._default(z.array(z.looseObject({ operation: text, at: text })), []),
  synced: z._default(z.array(text), []),
  version: count,
  nonce: text,
}) satisfies z.ZodMiniType<Lease>;

const engineStatus = z.looseObject({
  running: z.boolean(),
  writable: z.boolean(),
  received: z.nullable(position),
  applied: z.nullable(position),
  following: z.nullable(text),
  streaming: z.boolean(),
  replayLagMs: z.optional(z.number()),
  logicalSlots: z.optional(z.array(text)),
  dataId: z.nullable(text),
  forkedAt: z.nullable(position),
  problem: z.nullable(text),
});

const probe = z.looseObject({ epoch: count, accepted: z.boolean(), ms: z.number(), message: text });

const rejoin = z.looseObject({
  operation: text,
  outcome: z.enum(['done', 'failed']),
  method: z.nullable(z.enum(['follow', 'rewind', 'reseed'])),
  evidence: z.nullable(text),
  message: text,
});

const gate = z.looseObject({
  state: z.enum(['absent', 'shut', 'promise', 'read-only']),
  intact: z.boolean(),
  repairs: count,
  problem: z.nullable(text),
});

export const reportShape = z.looseObject({
  cluster: text,
  node: text,
  boot: text,
  seq: count,
  seen: z.looseObject({ epoch: count, version: count }),
  state: z.enum(Object.keys(nodeStates) as NodeState[]),
  rule: text,
  because: text,
  engine: engineStatus,
  followed: z.nullable(count),
  deadman: z.enum(['armed', 'disarmed', 'absent']),
  gate: z.optional(gate),
  bound: z.optional(z.boolean()),
  final: z.nullable(position),
  probe: z.nullable(probe),
  rejoin: z.nullable(rejoin),
  agentVersion: text,
  at: text,
}) satisfies z.ZodMiniType<Report>;

export const policyShape = z.looseObject({
  mode: z.enum(['automatic', 'manual', 'maintenance']),
  until: z.nullable(text),
  by: text,
  reason: text,
  at: text,
}) satisfies z.ZodMiniType<Policy>;

const timings = z.looseObject({
  ttlMs: z.number(),
  marginMs: z.number(),
  heartbeatMs: z.number(),
  alertMs: z.number(),
  reportMs: z.number(),
  storeTimeoutMs: z.number(),
  engineStopMs: z.number(),
  clockErrorPpm: z.number(),
});

const nodeConfig = z.looseObject({
  name: text,
  instanceId: text,
  zone: text,
  host: text,
  port: count,
  priority: z.number(),
  agentPort: z._default(count, 8009),
  networkInterfaceId: z.optional(text),
  vipAddress: z.optional(text),
});

const vip = z.union([
  z.looseObject({ kind: z.literal('eip'), allocationId: text, host: text, port: count }),
  z.looseObject({
    kind: z.literal('route53'),
    hostedZoneId: text,
    name: text,
    ttlS: count,
    private: z.boolean(),
    host: text,
    port: count,
  }),
]);

export const configShape = z.looseObject({
  name: text,
  engine: z.literal('postgres'),
  nodes: z.array(nodeConfig),
  vip,
  timings,
  fence: z.array(z.enum(fenceRungs)),
  maxLagBytes: z.number(),
  maxReplayLagMs: z._default(z.number(), 60_000),
  replication: z._default(z.looseObject({ mode: z.enum(replicationModes), backups: count }), {
    mode: 'async',
    backups: 1,
  }),
  onStoreLoss: z._default(z.enum(storeLossModes), 'strict'),
  consumers: z.array(
    z.union([
      z.looseObject({ name: text, instanceId: text, document: text }),
      z.looseObject({
        name: text,
        instanceId: text,
        properties: z.looseObject({ file: text, key: text }),
        service: text,
      }),
    ]),
  ),
  importance: z.optional(z.enum(importances)),
  failback: z.optional(
    z.looseObject({
      prefer: text,
      mode: z.enum(failbackModes),
      quietHours: z.nullable(z.looseObject({ from: text, to: text })),
    }),
  ),
  drill: z.optional(z.looseObject({ window: text, rtoMs: z.number(), to: z.optional(text) })),
  failovers: z._default(z.looseObject({ coolDownMs: z.number(), maxPerDay: z.number() }), { ...defaultFlapping }),
  acceptLoss: z._default(z.enum(['one-person', 'second-person']), 'one-person'),
}) satisfies z.ZodMiniType<ClusterConfig>;

export const entryShape = z.looseObject({
  cluster: text,
  at: text,
  kind: z.enum(['operation', 'step', 'transition', 'decision', 'refusal', 'event']),
  actor: text,
  epoch: count,
  operation: z.nullable(text),
  rule: text,
  because: text,
  ms: z.optional(z.number()),
  details: z.optional(z.record(text, z.unknown())),
}) satisfies z.ZodMiniType<JournalEntry>;

/** The stored item as what it must be, or Broken with every attribute that does not fit. */
export function parsed<T>(shape: z.ZodMiniType<T>, what: string, item: unknown): Awaited<Outside<T>> {
  const outcome = shape.safeParse(item);
  if (outcome.success) return ok(outcome.data);
  const misfits = outcome.error.issues.map(({ path, message }) => `${path.join('.') || 'item'}: ${message}`);
  return fail(
    broken(
      `${what} does not parse: ${misfits.join('; ')}`,
      'look at the item in the table; restore it from the journal or write it anew with the CLI',
      { misfits, item },
    ),
  );
}

/** Whoever has read an item acts on the cluster that it names: one that names another than was asked for is Broken. */
export function ofCluster<T>(
  read: Awaited<Outside<T>>,
  what: string,
  cluster: string,
  nameIn: (item: T) => string,
): Awaited<Outside<T>> {
  if (!read.ok || nameIn(read.value) === cluster) return read;
  return fail(
    broken(
      `${what} names another cluster: ${nameIn(read.value)}`,
      'find out who wrote it, then put it right in the table: who reads it would act on the other cluster',
      { item: read.value },
    ),
  );
}

/** A journal entry that does not fit is shown as such: one bad line must not hide the history of an incident. */
export function readable(item: Record<string, unknown>): JournalEntry {
  const entry = entryShape.safeParse(item);
  if (entry.success) return entry.data;
  const told = (key: string) => (typeof item[key] === 'string' ? item[key] : '');
  return {
    cluster: told('cluster'),
    at: told('at'),
    kind: 'event',
    actor: told('actor') || 'unknown',
    epoch: typeof item.epoch === 'number' ? item.epoch : 0,
    operation: told('operation') || null,
    rule: told('rule') || 'unreadable',
    because: told('because') || 'this entry was written by another version and cannot be read',
    details: { item },
  };
}
