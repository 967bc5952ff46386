// What must hold before the lease is changed: each clause of the table in lease.ts by its name, with the sentence that the one who is
// refused reads. Pure.

import type { Branch } from './lineage';
import type { Attempt, Bar, FenceProof, Lease, NodeName, Operation, Voucher } from './model';

export interface ChangeRequest {
  /** Node that acts or is acted for. */
  node?: NodeName;
  operation?: Operation;
  /** claim: what the contender watched in silence. */
  watched?: { epoch: number; renewals: number };
  proof?: FenceProof;
  /** vouch: who says so, and why. */
  word?: Pick<Voucher, 'by' | 'reason' | 'at'>;
  /** Epoch under which the caller acts (L5). */
  epoch?: number;
  drain?: Lease['drain'];
  pausedBy?: Lease['pausedBy'];
  probeEpoch?: number;
  ttlMs?: number;
  /** grant, transfer: what the candidate has received. */
  receivedBytes?: number;
  /** renew: the timeline that the holder's engine is on. */
  branch?: Pick<Branch, 'timeline' | 'fromBytes'>;
  /** record: the backups that have every acknowledged commit. */
  synced?: NodeName[];
  /** claim: it began by itself. acknowledge, bar: who and why. */
  attempt?: Attempt;
  bar?: Bar;
  /** begin: failback, for whom the role is reserved. */
  reserve?: NodeName;
  /** begin: the operation on the item belongs to an execution that has ended (T50). */
  abandoned?: string;
}

type Test = (lease: Lease, request: ChangeRequest) => boolean;

export interface Clause {
  test: Test;
  otherwise: (lease: Lease) => string;
}

const clause = (test: Test, otherwise: Clause['otherwise']): Clause => ({ test, otherwise });

export const iAmHolder = clause(
  (lease, request) => request.node !== undefined && lease.holder === request.node,
  (lease) => `the holder is ${lease.holder ?? 'nobody'}`,
);
export const epochIsMine = clause(
  (lease, request) => request.epoch === lease.epoch,
  (lease) => `the epoch is ${lease.epoch}`,
);
export const operationIsMine = clause(
  (lease, request) => request.operation !== undefined && lease.operation?.id === request.operation.id,
  (lease) => (lease.operation ? `operation ${lease.operation.id} is on the lease` : 'no operation is on the lease'),
);
export const nobodyElseOperates = clause(
  (lease, request) =>
    lease.operation === null ||
    lease.operation.id === request.operation?.id ||
    lease.operation.id === request.abandoned,
  (lease) =>
    `operation ${lease.operation?.id} (${lease.operation?.kind} by ${lease.operation?.by}) is running since ${lease.operation?.since}`,
);
/**
 * Whether a failover has to wait for the operation on the lease. A main that is silent is lost, whatever is under way: only
 * a drain, which silences it on purpose, and a claim, which is a failover already, are waited for. Bringing a backup back and
 * putting things in order never are.
 */
export function mustBeAwaited({ operation, phase, drain }: Lease): boolean {
  if (operation === null || operation.kind === 'recover' || operation.kind === 'settle') return false;
  return drain === 'transfer' || !['held', 'granted', 'abdicated'].includes(phase);
}
export const nobodyIsAwaited = clause(
  (lease, request) => !mustBeAwaited(lease) || nobodyElseOperates.test(lease, request),
  nobodyElseOperates.otherwise,
);
export const asWatched = clause(
  (lease, request) => lease.epoch === request.watched?.epoch && lease.renewals === request.watched.renewals,
  (lease) => `the lease moved on to epoch ${lease.epoch}, renewal ${lease.renewals}`,
);
export const proofIsRecorded = clause(
  (lease) => lease.fence !== null,
  () => 'no fence proof is recorded at this epoch',
);
export const notDraining = clause(
  (lease) => lease.drain === null,
  (lease) => `the holder is being drained (${lease.drain})`,
);
export const drained = clause(
  (lease) => lease.drain === 'transfer',
  () => 'the holder was not asked to drain',
);
export const nodeIsFree = clause(
  (lease, request) => request.node !== undefined && lease.shunned[request.node] === undefined,
  (lease) => `the node is shunned (${Object.values(lease.shunned)[0]?.label ?? ''})`,
);
export const mayBeMain = clause(
  (lease, request) => lease.barred[request.node ?? ''] === undefined,
  (lease) =>
    `a person has barred it: ${Object.entries(lease.barred)
      .map(([name, { by, reason }]) => `${name} (${by}: ${reason})`)
      .join(', ')}`,
);
export const reservedForIt = clause(
  (lease, request) => lease.reservedFor === null || lease.reservedFor === request.node,
  (lease) => `the role is reserved for ${lease.reservedFor}`,
);
export const proofIsNow = clause(
  (lease, request) => request.proof?.epoch === lease.epoch,
  (lease) => `the proof belongs to another epoch than ${lease.epoch}`,
);

export const nodeIsFormer = clause(
  (lease, request) => request.node !== undefined && lease.former === request.node,
  (lease) => `the node to be proven stopped is ${lease.former ?? 'none'}`,
);
export const somebodyFences = clause(
  (lease) => lease.operation?.kind === 'failover',
  () => 'no failover is under way that could use the word',
);
export const notYetProven = clause(
  (lease) => lease.fence === null,
  (lease) => `${lease.fence?.node} is already proven stopped by ${lease.fence?.how}`,
);

export const isHeld = clause(
  (lease) => lease.hold !== null,
  () => 'there is no hold',
);
export const isNotHolder = clause(
  (lease, request) => request.node !== undefined && lease.holder !== request.node,
  (lease) => `${lease.holder} is the main: move the role away first`,
);
