// What the protocol needs of the world outside, as interfaces. Implemented in adapters/; one contract suite per port
// (test/contract) runs against every implementation. All answers are values: an adapter never throws for the outside's
// sake, it says Unreachable (may or may not have happened), Refused (says who holds what) or Broken.

import type { OutsideProblem, Problem } from './errors';
import type { Question, Word } from './failsafe';
import type { Importance } from './fleet';
import type {
  ClusterConfig,
  ConsumerConfig,
  EngineStatus,
  Lease,
  NodeConfig,
  NodeName,
  Policy,
  Position,
  ProbeResult,
  RejoinMethod,
  Report,
  Waiting,
} from './model';
import type { Follower } from './replication';
import type { Result } from './result';

export type Outside<T> = Promise<Result<T, OutsideProblem>>;

// ---- must be atomic, timing-critical ---------------------------------------------------------------------------

export interface LeaseLost extends Problem<'Refused'> {
  details: { winner: Lease | null };
}

export interface LeaseStore {
  /** Strongly consistent (T4). null: the item was never written. */
  read(cluster: string): Outside<Lease | null>;
  /**
   * Writes `next` only if the stored item still has `was.version` (or does not exist when `was` is null): one
   * compare-and-swap. Refused carries the winner. A lost reply is resolved by the nonce: the writer's own nonce on
   * the stored item means that it succeeded (L4). Unreachable: it may or may not have been written.
   */
  swap(was: Lease | null, next: Lease): Promise<Result<Lease, LeaseLost | OutsideProblem>>;
}

// ---- strongly consistent, not atomic with the lease ------------------------------------------------------------

export interface Reports {
  /**
   * Replaces the node's report, unless a later one of the same life (`boot`, `seq`) is there: a request that was given up may
   * arrive when its successor has been written, and must not put the clock back. That is no failure.
   */
  put(report: Report): Outside<void>;
  /** Strongly consistent: a report that was put before this call began is seen. */
  list(cluster: string): Outside<Report[]>;
}

export interface Settings {
  clusters(): Outside<string[]>;
  config(cluster: string): Outside<ClusterConfig | null>;
  /** Writes where each of its instances belongs as well. What a node that was taken out left behind there is a hint that no longer fits. */
  putConfig(config: ClusterConfig): Outside<void>;
  /** Cluster that last had this instance as a node: one read, a hint; whether it still has it says its configuration. */
  clusterOf(instanceId: string): Outside<string | null>;
  policy(cluster: string): Outside<Policy | null>;
  putPolicy(cluster: string, policy: Policy): Outside<void>;
  /** Writes `next` only if the stored policy still is `was` (null: none was ever put): of two who read the same, one is Refused. */
  swapPolicy(cluster: string, was: Policy | null, next: Policy): Outside<void>;
}

export interface Waits {
  /**
   * Adds the tokens to those of the same operation and epoch; takes the place of another operation, unless that is of a newer
   * epoch (T48). Neither is a failure. The last 20 tokens are kept.
   */
  add(waiting: Waiting): Outside<void>;
  /** Strongly consistent: the last operation of this cluster that went to sleep; it may be over long since. */
  read(cluster: string): Outside<Waiting | null>;
}

// ---- append-only, best effort ----------------------------------------------------------------------------------

export type JournalKind = 'operation' | 'step' | 'transition' | 'decision' | 'refusal' | 'event';

export interface JournalEntry {
  cluster: string;
  /** Wall clock, ISO, for people and for order of display only. */
  at: string;
  kind: JournalKind;
  /** Who wrote it: `step:fence`, `agent:db2`, `operator:…`. */
  actor: string;
  epoch: number;
  operation: string | null;
  /** Rule, transition or step id. */
  rule: string;
  because: string;
  ms?: number;
  details?: Record<string, unknown>;
}

export interface Journal {
  /** Never overwrites an entry. */
  append(entry: JournalEntry): Outside<void>;
  /** Oldest first. `operation` narrows to one operation, `since` and `before` to what is of this time or later, and older; `limit` keeps the newest. */
  list(
    cluster: string,
    filter?: { operation?: string; since?: string; before?: string; limit?: number },
  ): Outside<JournalEntry[]>;
}

export type EventType =
  | 'Lease Overdue'
  | 'Lease Expired'
  | 'Engine Down'
  | 'Change Requested'
  | 'Operation Ended'
  | 'Attention Needed';

export interface MainstayEvent {
  type: EventType;
  cluster: string;
  detail: Record<string, unknown>;
}

export interface Events {
  /** At least once, possibly late (T67). */
  publish(event: MainstayEvent): Outside<void>;
}

export interface Poker {
  /** Tells the agents "look at the lease now". Losing it changes nothing (level-triggered). */
  poke(nodes: readonly NodeConfig[], cluster: string, epoch: number): Outside<void>;
  /** Points a consumer at the new main and restarts it, or says why not. Waits until it is done or the bound is over. */
  redirect(consumer: ConsumerConfig, cluster: string, main: NodeConfig, epoch: number): Outside<void>;
  /**
   * Has the engine stopped on a host whose agent does not act, and waits until the host says so or the bound is over. Refused: the
   * node knows a newer epoch, or the host could not. Best effort: its word is no fence proof (T11), only the agent's report is one.
   */
  stopEngine(node: NodeConfig, cluster: string, epoch: number): Outside<void>;
}

// ---- between agents, authenticated, bounded ---------------------------------------------------------------------

export interface Witnesses {
  /** Asks one other node for its word. Unreachable counts as no. Answers within `storeTimeoutMs`. */
  ask(node: NodeConfig, question: Question): Outside<Word>;
}

// ---- the world that is moved ------------------------------------------------------------------------------------

export type PowerState = 'running' | 'pending' | 'stopping' | 'shutting-down' | 'stopped' | 'terminated';

/** What is said of each instance that was asked for, by its id. */
export type PerInstance<T> = ReadonlyMap<string, Result<T, OutsideProblem>>;

/** How an accepted cut goes about it: at once, or after a clean shutdown was tried, where EC2 knows no other way. */
export type Cut = 'at-once' | 'after-shutdown';

/** `importance` says who goes first when a quota is used up (T66); adapters that know no others leave it. */
export interface Power {
  state(instanceId: string, importance?: Importance): Outside<PowerState>;
  /**
   * Of many, in as few calls as EC2 takes. One that nobody knows spoils no other. A zone that is down may make a call fail as
   * a whole: ask per zone.
   */
  states(instanceIds: readonly string[], importance?: Importance): Outside<PerInstance<PowerState>>;
  /**
   * Asks for power off without a clean shutdown, in as few calls as EC2 takes. Idempotent. Proves nothing: only `state` does
   * (T11). One that cannot be cut spoils no other.
   */
  cut(instanceIds: readonly string[], importance?: Importance): Outside<PerInstance<Cut>>;
  start(instanceId: string, importance?: Importance): Outside<void>;
}

export interface Vip {
  /** Node that the VIP points to, null when none; a foreign target is Refused with what is there. */
  read(config: ClusterConfig): Outside<NodeName | null>;
  /** `read` for many clusters, by name, in as few calls as the service allows (T66); each has an answer of its own. */
  readMany(configs: readonly ClusterConfig[]): Promise<ReadonlyMap<string, Result<NodeName | null, OutsideProblem>>>;
  /**
   * Takes it from `from`. Idempotent when it already points nowhere; Refused when somebody else has it, or when `epoch` is lower
   * than the one that is stored (L5, T48).
   */
  withdraw(config: ClusterConfig, from: NodeName | null, epoch: number): Outside<void>;
  /**
   * Gives it to `to`, only if it points to `from` or nowhere or already to `to`, and `epoch` is not lower than the one that is
   * stored; says so only when it is known to be there (T43, T47, T48).
   */
  move(config: ClusterConfig, from: NodeName | null, to: NodeName, epoch: number): Outside<VipMoved>;
  /** Looks, for `boundMs` at the most, whether clients are led to this node yet; null: the move has seen to that itself. Reads only. */
  verify(
    config: ClusterConfig,
    node: NodeName,
    given: { change: string | null; boundMs: number },
  ): Outside<VipSeen | null>;
}

export interface VipMoved {
  /** What the service calls this change while it spreads; null when there is nothing to ask for. */
  change: string | null;
}

export interface VipSeen {
  everywhere: boolean;
  /** How that was found out, as a sentence for the journal. */
  because: string;
}

export interface Executions {
  /** Whether the named execution is still running; false when it never existed. */
  running(operation: string): Outside<boolean>;
}

export interface Tasks {
  /** Lets the execution that sleeps with this token go on. Refused: none does any more. Says nothing but "look again". */
  wake(token: string): Outside<void>;
}

export interface RingingAlarm {
  /** `<plane>/<cluster>/<node>/<what>` (core/triggers.ts). */
  name: string;
  description: string;
}

export interface Alarms {
  /** Those of this control plane that ring now. Best effort: for people, nothing decides on it. */
  ringing(): Outside<RingingAlarm[]>;
}

export interface Clock {
  /** Monotonic, ms, own zero. */
  nowMs(): number;
  /** Wall clock, ISO: never decides anything. */
  wall(): string;
  sleep(ms: number): Promise<void>;
}

export interface Ids {
  /** Unique per call. */
  next(): string;
}

// ---- on the node ------------------------------------------------------------------------------------------------

export type DriverProblem = Problem<
  'NotStarted' | 'NotStopped' | 'NotPromoted' | 'Diverged' | 'NotRejoined' | 'NotProbed' | 'NotWaiting'
>;
export type Driven<T = void> = Promise<Result<T, DriverProblem>>;

/**
 * One engine on one node. Every action is idempotent and says what it proved, never what it asked for.
 * The engine is writable only after `promote` or `startAsMain`, and these are called under a held promise only.
 */
export interface EngineDriver {
  /** Never fails: an engine that is down or hangs is a status (bounded by `engineStopMs`). */
  status(): Promise<EngineStatus>;
  /** Running, read-only, following nobody new. Starts it when it is down. */
  standBy(): Driven;
  /** Running, read-only, following `main`. Diverged: its own history is not a prefix of main's (T33, T39). */
  follow(main: NodeConfig): Driven;
  /** Was following; is writable on return. */
  promote(): Driven;
  /**
   * Starts a stopped former main in place, writable. `spawned` is called with its pid before it can accept a write; false
   * means that the promise ran out while the start was prepared, and that it has to be killed at once (T5).
   */
  startAsMain(spawned: (pid: number) => boolean): Driven;
  /**
   * From the return on a commit is acknowledged only when all of these have it on disk; none: as soon as this node has. Also while
   * the engine is down or read-only: then from its first commit on. Idempotent.
   */
  waitFor(nodes: readonly NodeName[]): Driven;
  /** Main: who streams from it, by node; empty when it cannot be told. */
  followers(): Promise<Follower[]>;
  /** Cheap preparation for a drain: less to write at the stop. Best effort. */
  checkpoint(): Promise<void>;
  /** Sessions cut, everything sent to the followers, stopped cleanly, verified; a follower that has received up to this position has everything. */
  drain(): Driven<Position>;
  /** Stopped at once by force and verified within `engineStopMs` (T11, T12). */
  fence(): Driven;
  /** Keeps the evidence, then follow, rewind or reseed, whichever is the least that works; running as backup on return. */
  rejoin(main: NodeConfig): Driven<{ method: RejoinMethod; evidence: string | null }>;
  /** Main: a slot for each peer, none for others (T37). Best effort. */
  keepSlots(peers: readonly NodeName[]): Promise<void>;
  /** One durable write to whatever answers at this address, as a client would. */
  probe(host: string, port: number, epoch: number): Promise<ProbeResult>;
  /** What the deadman kills: process id of the engine, null when it is not running. */
  pid(): Promise<number | null>;
}

/** Stops the engine when the promise is over though the agent is dead, stuck or frozen. Beside it stands the gate (gate.ts). */
export interface Deadman {
  /** Engine `pid` must not outlive `deadlineMs` on the agent's monotonic clock; replaces the earlier deadline. */
  arm(pid: number, deadlineMs: number): void;
  /** No promise is held: nothing to enforce. */
  disarm(): void;
  status(): Report['deadman'];
  stop(): Promise<void>;
}
