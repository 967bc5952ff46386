// The payload of a workflow: what an operator or a trigger gives, and what the steps add on the way.
// Each step's needs are a Pick of this one type; nothing else travels between steps.

import type { FenceProof, NodeName, Position } from '../core/model';

export interface WorkflowState {
  // ---- given
  cluster: string;
  /** switchover, failover: the candidate an operator names. */
  to?: NodeName;
  /** recover: the node that comes back. */
  node?: NodeName;
  /** failover: though the main is healthy. Still fences first. */
  force?: boolean;
  /** Who asked; a trigger fills it with its own name. */
  by?: string;
  reason?: string;
  /** failover: what commits waited for, and lag, are no reasons against the node in `to`; `approvedBy` where the cluster asks for two. */
  acceptLoss?: boolean;
  approvedBy?: string;
  /** The plan that is applied, and the epoch that it was made at: at another one it is refused (T53, T54). */
  plan?: { id: string; epoch: number };
  /** What a contender watched in silence for a full ttl on its own clock (L3). */
  watched?: { epoch: number; renewals: number; silentMs: number; seenBy: NodeName };
  // ---- added by steps
  /** Epoch under which this workflow acts (L5). */
  epoch?: number;
  epochBefore?: number;
  oldMain?: NodeName | null;
  candidate?: NodeName;
  /** What the candidate had received when it was chosen, in bytes. */
  receivedBytes?: number;
  /** The old main's last position, once it is drained. */
  final?: Position;
  proof?: FenceProof;
  /** Nodes that did not follow in time: the cluster serves, degraded (T56). */
  degraded?: string[];
  /** Undo and page: what went wrong, as Step Functions catches it. */
  problem?: { Error: string; Cause: string };
}

/** State that a step relies on: a missing field is a bug of the plan, found by the plan tests. */
export type Needs<K extends keyof WorkflowState> = WorkflowState & Required<Pick<WorkflowState, K>>;
