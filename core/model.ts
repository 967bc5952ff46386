// The nouns of the protocol: the lease, the node report, the cluster's configuration and policy.
// Plain data, as it is stored; nothing here acts. Terms: docs/glossary.md.

import type { DrillConfig } from './drill';
import type { FailbackConfig } from './failback';
import type { StoreLossMode } from './failsafe';
import type { FlappingLimits } from './flapping';
import type { Importance } from './fleet';
import type { GateStatus } from './gate';
import type { Branch } from './lineage';
import type { ReplicationConfig } from './replication';
import type { Timings } from './timings';

export type NodeName = string;

/** Engine-neutral progress mark; comparable within one history. PostgreSQL: timeline and LSN as a byte count. */
export interface Position {
  timeline: number;
  /** Bytes since the beginning of the history (an LSN as one integer). */
  bytes: number;
}

export const phases = ['vacant', 'held', 'paused', 'abdicated', 'claimed', 'granted'] as const;
export type Phase = (typeof phases)[number];

export const operationKinds = ['switchover', 'failover', 'recover', 'settle', 'failback'] as const;
export type OperationKind = (typeof operationKinds)[number];

/** The one operation that may change the lease now. */
export interface Operation {
  /** Name of the Step Functions execution. */
  id: string;
  kind: OperationKind;
  /** Who asked: a person, or the trigger. */
  by: string;
  /** Wall clock, for people only. */
  since: string;
  /** recover: the node that may rejoin. */
  node?: NodeName;
  /** confirm: write through the VIP at this epoch and report. */
  probeEpoch?: number;
}

/** How a fence was proven. Nothing else counts (T11, T18). */
export type FenceHow = FenceRung | 'drained' | 'never-a-main';

export interface FenceProof {
  node: NodeName;
  epoch: number;
  how: FenceHow;
  /** What was seen, in a sentence. */
  evidence: string;
}

/** What one look at one rung of the fence ladder said. */
export interface Verdict {
  verdict: 'PROVEN' | 'UNPROVEN';
  how: FenceRung;
  evidence: string;
}

/** A person's word that the former main is stopped. It counts for this node at this epoch, and for no other (T54). */
export interface Voucher {
  node: NodeName;
  epoch: number;
  /** Version of the lease that carries it first: whoever reports having read that has read the word. */
  version: number;
  by: string;
  reason: string;
  /** Wall clock, for people only. */
  at: string;
}

/** An operation that sleeps until somebody has something new to say about a fence. */
export interface Waiting {
  cluster: string;
  operation: string;
  epoch: number;
  /** The node that is not proven stopped. */
  node: NodeName;
  /**
   * One of them wakes it; the newest is last. A late invocation of a step that was tried again adds one that is dead already, and
   * must not hide the one that counts (T48).
   */
  tokens: string[];
  /** Wall clock, for people only. */
  since: string;
}

/** Why a node is kept out, and since which epoch. */
export interface Shun {
  label: string;
  epoch: number;
}

/** No automatic resync and no automatic move back, until a person lifts it. */
export interface Hold {
  reason: string;
  epoch: number;
}

/** A node that may not become main: who said so and why. */
export interface Bar {
  by: string;
  reason: string;
  /** Wall clock, for people. */
  at: string;
}

/** A failover that began by itself. Attempts are counted, not successes (T59). */
export interface Attempt {
  operation: string;
  /** Wall clock, ISO: policy only, nothing safe depends on it. */
  at: string;
}

/** The truth about a cluster: one item, changed by one conditional write at a time. Never deleted (L1). */
export interface Lease {
  cluster: string;
  /** Fencing token: +1 at every change of authority, never reused. */
  epoch: number;
  phase: Phase;
  holder: NodeName | null;
  /** +1 at each renewal: what a contender watches. */
  renewals: number;
  /** The holder's promise, in ms. */
  ttlMs: number;
  /** The holder is asked to stop writes and report its final position. */
  drain: null | 'transfer' | 'pause';
  /** paused: who stopped it; `stop` (a clean shutdown) resumes by itself, `operator` waits for `mainstay resume`. */
  pausedBy: null | 'stop' | 'operator';
  reservedFor: NodeName | null;
  /** claimed: the node that held it last, which has to be fenced; kept until the next claim. */
  former: NodeName | null;
  operation: Operation | null;
  /** Proof that the previous holder accepts no writes, recorded before a grant. */
  fence: FenceProof | null;
  /** claimed: a person's word that `former` is stopped; the fence step looks at it as at any other rung. */
  vouched: Voucher | null;
  shunned: Record<NodeName, Shun>;
  hold: Hold | null;
  /** The main's history by timelines: a backup that is not on it has left it, and is no candidate (T33, T39). */
  lineage: Branch[];
  /** Nodes that a person does not want to become main: nobody promotes them, by hand or by itself. */
  barred: Record<NodeName, Bar>;
  /** Automatic failovers that no person has acknowledged, oldest first (core/flapping.ts). */
  attempts: Attempt[];
  /** sync and strict: backups that have every acknowledged commit; nobody else may take over by itself (core/replication.ts). */
  synced: NodeName[];
  /** +1 at every write of the item: the compare-and-swap. */
  version: number;
  /** Unique per write attempt: tells one's own write from another's after a lost reply (L4, T3). */
  nonce: string;
}

export const nodeStates = {
  backup: 'I accept no writes; I follow the main, or stay where I am when there is none.',
  promoting: 'The lease is granted to me; I am becoming writable.',
  main: 'I hold the lease at this epoch and accept writes for as long as my promise lasts.',
  draining: 'I hold the lease but accept no writes; once stopped, my final position is in my report.',
  fenced: 'I was writable and am stopped, verified; I accept no writes.',
  shunned: 'I am a former main kept out: stopped, my data untouched, until a person decides.',
  rejoining: 'A person let me come back: I keep the evidence and become a copy of the main.',
} as const;
export type NodeState = keyof typeof nodeStates;

export interface EngineStatus {
  running: boolean;
  /** True only for an engine that would accept a write now. */
  writable: boolean;
  /** Last position durable on this node; null when it cannot be told. */
  received: Position | null;
  /** Last position visible to readers (T32). */
  applied: Position | null;
  /** Node it is configured to follow, or null. */
  following: NodeName | null;
  /** How long it has had more than it shows, in ms: a promotion has to wait for that (T32). Absent: not told. */
  replayLagMs?: number;
  /** Main: logical replication slots; they do not move with the role. */
  logicalSlots?: string[];
  /** The stream from that node is live (T36). */
  streaming: boolean;
  /** Sum that identifies the data set (PostgreSQL: system identifier) (T40). */
  dataId: string | null;
  /** Where the current timeline began; null on the first one. */
  forkedAt: Position | null;
  problem: string | null;
}

/** An engine of which nothing is known. */
export const unknownEngine: EngineStatus = {
  running: false,
  writable: false,
  received: null,
  applied: null,
  following: null,
  streaming: false,
  dataId: null,
  forkedAt: null,
  problem: null,
};

export interface ProbeResult {
  epoch: number;
  accepted: boolean;
  ms: number;
  message: string;
}

export type RejoinMethod = 'follow' | 'rewind' | 'reseed';

export interface RejoinResult {
  operation: string;
  outcome: 'done' | 'failed';
  method: RejoinMethod | null;
  evidence: string | null;
  message: string;
}

/** What a node last proved of itself. Fresh when `seen.version` is not older than the version one asks about. */
export interface Report {
  cluster: string;
  node: NodeName;
  /** New at each start of the agent. */
  boot: string;
  seq: number;
  /** The lease as it was read before this report was made. */
  seen: { epoch: number; version: number };
  state: NodeState;
  rule: string;
  because: string;
  engine: EngineStatus;
  /** Epoch of the last main that this node is known to have streamed from, or was; null when of none. */
  followed: number | null;
  /** Something that outlives the agent stops the engine when the promise is over. */
  deadman: 'armed' | 'disarmed' | 'absent';
  /** The kernel's own hold on the engine's ports; an agent from before there was one does not say. */
  gate?: Omit<GateStatus, 'leftMs'>;
  /** A main may still go on by this node's word: it takes no part in a promotion. Absent: never gives one. */
  bound?: boolean;
  /** draining: the last position, once stopped. */
  final: Position | null;
  probe: ProbeResult | null;
  rejoin: RejoinResult | null;
  agentVersion: string;
  /** Wall clock, for people only. */
  at: string;
}

export type PolicyMode = 'automatic' | 'manual' | 'maintenance';

export interface Policy {
  mode: PolicyMode;
  /** maintenance must end: wall clock, ISO. */
  until: string | null;
  by: string;
  reason: string;
  at: string;
}

export interface NodeConfig {
  name: NodeName;
  instanceId: string;
  zone: string;
  /** Address that other nodes reach its engine at. */
  host: string;
  port: number;
  /** Higher is preferred among equally advanced candidates; 0 is never promoted. */
  priority: number;
  /** Where its agent hears the others; used with `onStoreLoss: failsafe` only. */
  agentPort: number;
  /** VIP of kind eip, instance with more than one interface: the one that the address is given to. */
  networkInterfaceId?: string;
  /** VIP of kind route53: address that the record holds while this node is main; `host` when left out. */
  vipAddress?: string;
}

/** A process outside the cluster that has to know the main, and how it is told. */
export type ConsumerConfig = { name: string; instanceId: string } & (OwnDocument | PropertiesFile);

export interface OwnDocument {
  /** An SSM document of the operator's, with the parameters `main`, `port`, `epoch` and `expires`. */
  document: string;
}

export interface PropertiesFile {
  /** The value of this key becomes the new main's host; then the service is restarted. */
  properties: { file: string; key: string };
  service: string;
}

interface VipPlace {
  /** Where clients connect: host of the VIP and port of the engine. */
  host: string;
  port: number;
}

export interface EipVipConfig extends VipPlace {
  kind: 'eip';
  allocationId: string;
}

export interface Route53VipConfig extends VipPlace {
  kind: 'route53';
  hostedZoneId: string;
  /** Full name of the record, lower case, without the last dot. */
  name: string;
  /** Of the address record, in s: clients see the old address for at least so long. */
  ttlS: number;
  /** The zone is answered inside its VPCs only. */
  private: boolean;
}

export type VipConfig = EipVipConfig | Route53VipConfig;

export const fenceRungs = ['demote-ack', 'self-fence', 'power-off', 'operator'] as const;
export type FenceRung = (typeof fenceRungs)[number];

export interface ClusterConfig {
  name: string;
  engine: 'postgres';
  nodes: NodeConfig[];
  vip: VipConfig;
  timings: Timings;
  /** Rungs of the fence ladder that may be used, all at once; the first proof wins. */
  fence: FenceRung[];
  /** A backup further behind than this is no candidate, in bytes. */
  maxLagBytes: number;
  /** Nor one that has not caught up with what it has received for so long, in ms. */
  maxReplayLagMs: number;
  replication: ReplicationConfig;
  /** What a main does that can reach the store no more (core/failsafe.ts). */
  onStoreLoss: StoreLossMode;
  consumers: ConsumerConfig[];
  /** Who goes first when AWS has not enough for everybody at once (core/fleet.ts); `normal` when left out. */
  importance?: Importance;
  /** Where the role belongs when all is well; absent: anywhere. */
  failback?: FailbackConfig;
  /** How often it may fail over by itself before a person has looked. */
  failovers: FlappingLimits;
  /** A drill each week; absent: only when a person asks for one. */
  drill?: DrillConfig;
  /** `second-person`: to accept the loss of acknowledged data takes two people. */
  acceptLoss: 'one-person' | 'second-person';
}
