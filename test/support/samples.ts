// A cluster of three nodes and what it stores, to be varied by a test: only what matters to the test stands in it.

import { vacantLease } from '../../core/lease';
import type { ClusterConfig, Lease, NodeConfig, Policy, Report } from '../../core/model';
import type { JournalEntry } from '../../core/ports';
import type { Result } from '../../core/result';
import { defaultTimings } from '../../core/timings';

export const aNode = (name: string, change: Partial<NodeConfig> = {}): NodeConfig => ({
  name,
  instanceId: `i-${name}`,
  zone: 'us-east-1a',
  host: `${name}.internal`,
  port: 5432,
  priority: 1,
  agentPort: 8009,
  ...change,
});

export const aConfig = (name: string, change: Partial<ClusterConfig> = {}): ClusterConfig => ({
  name,
  engine: 'postgres',
  nodes: ['db1', 'db2', 'db3'].map((node) => aNode(node)),
  vip: { kind: 'eip', allocationId: `eipalloc-${name}`, host: '203.0.113.10', port: 5432 },
  timings: defaultTimings,
  fence: ['demote-ack', 'self-fence', 'power-off'],
  maxLagBytes: 16_000_000,
  maxReplayLagMs: 60_000,
  replication: { mode: 'async', backups: 1 },
  onStoreLoss: 'strict',
  failovers: { coolDownMs: 0, maxPerDay: 100 },
  acceptLoss: 'one-person',
  consumers: [{ name: 'billing', instanceId: 'i-billing', document: 'mainstay-redirect' }],
  ...change,
});

/** Allocation of the Elastic IP address that is this cluster's VIP. */
export function anAddress({ vip }: Pick<ClusterConfig, 'vip'>): string {
  if (vip.kind !== 'eip') throw new Error(`expected an Elastic IP address, got ${vip.kind}`);
  return vip.allocationId;
}

export const aLease = (cluster: string, change: Partial<Lease> = {}): Lease => ({
  ...vacantLease(cluster, defaultTimings.ttlMs),
  phase: 'held',
  holder: 'db1',
  epoch: 1,
  version: 1,
  nonce: 'first',
  ...change,
});

/** The item that somebody writes who has read `lease`. */
export const renewed = (lease: Lease, nonce: string, change: Partial<Lease> = {}): Lease => ({
  ...lease,
  renewals: lease.renewals + 1,
  version: lease.version + 1,
  nonce,
  ...change,
});

export const aReport = (cluster: string, node: string, change: Partial<Report> = {}): Report => ({
  cluster,
  node,
  boot: 'boot-1',
  seq: 1,
  seen: { epoch: 1, version: 1 },
  state: 'backup',
  rule: 'R170',
  because: 'another node holds the lease: I follow it',
  engine: {
    running: true,
    writable: false,
    received: { timeline: 1, bytes: 50_331_648 },
    applied: { timeline: 1, bytes: 50_331_648 },
    following: 'db1',
    streaming: true,
    dataId: '7310000000000000001',
    forkedAt: null,
    problem: null,
  },
  followed: 1,
  deadman: 'disarmed',
  final: null,
  probe: null,
  rejoin: null,
  agentVersion: '0.1.0',
  at: '2026-01-01T00:00:00.000Z',
  ...change,
});

export const aPolicy = (change: Partial<Policy> = {}): Policy => ({
  mode: 'automatic',
  until: null,
  by: 'operator:ann',
  reason: 'normal service',
  at: '2026-01-01T00:00:00.000Z',
  ...change,
});

export const anEntry = (cluster: string, change: Partial<JournalEntry> = {}): JournalEntry => ({
  cluster,
  at: '2026-01-01T00:00:00.000Z',
  kind: 'step',
  actor: 'step:fence',
  epoch: 2,
  operation: 'failover-1',
  rule: 'fence',
  because: 'the former holder is proven stopped',
  ...change,
});

/** The value, or a test failure that shows the problem. */
export function value<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new Error(`expected a value, got ${JSON.stringify(result.error)}`);
}

/** The problem, or a test failure that shows the value. */
export function problem<E>(result: Result<unknown, E>): E {
  if (!result.ok) return result.error;
  throw new Error(`expected a problem, got ${JSON.stringify(result.value)}`);
}
