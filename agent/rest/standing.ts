// What a node is to the clients of its engine right now: main only as the rightful holder at the present epoch, by a promise that has
// not run out on its own clock; whatever the loop last did or failed to do. Pure.

import type { Role } from '../../core/change';
import type { EngineStatus, Lease, NodeName, NodeState } from '../../core/model';

/** A snapshot; taking it never waits for anything. */
export interface Standing {
  cluster: string;
  me: NodeName;
  lease: Lease | null;
  state: NodeState;
  rule: string;
  because: string;
  engine: EngineStatus;
  /** What is left of the promise at the lease's epoch, in ms; null when there is none (L2). */
  promiseLeftMs: number | null;
  /** Clients may be let in: everybody who is waited for has what they would see (T31). */
  visible: boolean;
  /** Since the loop last came round, in ms. */
  roundAgeMs: number;
  /** A loop that has not come round for so long is stuck, in ms. */
  stuckAfterMs: number;
  silentMs: number;
  /** How long a lease must be silent before anybody may claim it, in ms. */
  waitMs: number;
}

const alive = ({ roundAgeMs, stuckAfterMs }: Standing): boolean => roundAgeMs < stuckAfterMs;

/** T5, T10: engine, lease and promise must all say so; a stuck loop lets the promise run out. */
export function isMain(standing: Standing): boolean {
  const { lease, me, state, engine, promiseLeftMs, visible } = standing;
  const serving =
    lease?.holder === me && lease.phase === 'held' && lease.drain === null && lease.shunned[me] === undefined;
  return serving && state === 'main' && engine.writable && visible && (promiseLeftMs ?? 0) > 0 && alive(standing);
}

/** T36: a copy that is fed by the present main, and kept out by nobody. */
export function isReplica(standing: Standing): boolean {
  const { lease, me, state, engine } = standing;
  const follows = engine.streaming && engine.following !== null && engine.following === lease?.holder;
  const welcome = lease !== null && lease.holder !== me && lease.shunned[me] === undefined;
  return welcome && state === 'backup' && engine.running && !engine.writable && follows && alive(standing);
}

export const roleOf = (standing: Standing): Role => (isMain(standing) ? 'MAIN' : 'BACKUP');

/** The engine answers. */
export const isHealthy = (standing: Standing): boolean =>
  alive(standing) && standing.engine.running && standing.engine.received !== null;

/** The agent's own loop goes round. */
export const isAlive = alive;

export const isReady = (standing: Standing): boolean => isMain(standing) || isReplica(standing);

/** What a load balancer, or a person, is told: nothing that is a secret, and nothing of the engine's own messages. */
export function told(standing: Standing, lagBytes: number | null) {
  const { cluster, me, state, lease, rule, because, engine, promiseLeftMs } = standing;
  return {
    cluster,
    node: me,
    role: roleOf(standing),
    state,
    epoch: lease?.epoch ?? 0,
    phase: lease?.phase ?? null,
    main: lease?.holder ?? null,
    operation: lease?.operation?.kind ?? null,
    rule,
    because,
    engine: {
      running: engine.running,
      writable: engine.writable,
      streaming: engine.streaming,
      following: engine.following,
      receivedBytes: engine.received?.bytes ?? null,
      appliedBytes: engine.applied?.bytes ?? null,
    },
    promiseLeftMs: promiseLeftMs === null ? null : Math.max(0, Math.round(promiseLeftMs)),
    lagBytes,
  };
}
