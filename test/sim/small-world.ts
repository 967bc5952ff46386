// The exhaustive small world's state: the product's tables (`changed`, `decide`, the timings) within a hand-made model of nodes,
// requests and executions, small enough that every interleaving can be walked. Time goes in ticks of a second; a tick that
// passes kills what an overdue deadman guards before anything else happens.

import type { ChangeRequest } from '../../core/clauses';
import { changed, type TransitionName, vacantLease } from '../../core/lease';
import type { Lease, NodeName, NodeState } from '../../core/model';
import { defaultTimings, promiseMs } from '../../core/timings';

export const tickMs = 1000;
export const promiseTicks = promiseMs(defaultTimings) / tickMs;
/** The clocks of this world agree, so the clock error of `contenderWaitMs` is nothing. */
export const silenceTicks = defaultTimings.ttlMs / tickMs;

/** Bugs that can be planted, to show that the walk finds them. */
export const flaws = {
  'claim without silence': 'a contender does not wait',
  'promise from the reply': 'counted from when the answer came',
  'no deadman': 'a frozen agent’s engine runs on',
  'stopping is stopped': 'a power-off that was asked for is taken for a proof',
  'grant without proof': 'the proof is not waited for',
  'blind renewal': 'a late renewal is written whatever the lease is by now',
} as const;
export type Flaw = keyof typeof flaws;

export interface Request {
  how: 'renew' | 'accept';
  /** The lease that it was made from. */
  base: Lease;
  /** Ticks since it was sent. */
  ago: number;
  answer: 'none' | 'written' | 'refused';
}

export interface SmallNode {
  name: NodeName;
  /** null: the agent is dead, or the machine off. */
  agent: {
    view: Lease | null;
    state: NodeState;
    frozen: boolean;
    promise: { epoch: number; left: number } | null;
    /** Ticks for which the same (epoch, renewals) was read, up to the last read; and since the first of those reads. */
    silent: number;
    sinceFirst: number;
    /** Frozen before it heard the answer. */
    request: Request | null;
    /** Has had its round in this second. */
    done: boolean;
  } | null;
  power: 'on' | 'stopping' | 'off';
  engine: 'stopped' | 'read-only' | 'writable';
  /** Ticks until the deadman kills the engine. */
  deadman: number | null;
  /** A renewal that its sender has given up, and that may still arrive. */
  ghost: Request | null;
}

export interface Failover {
  watched: { epoch: number; renewals: number };
  forced: boolean;
  epoch: number | null;
  /** Ticks since the claim. */
  age: number;
}

export interface SmallState {
  lease: Lease;
  nodes: SmallNode[];
  failover: Failover | null;
  /** The same trigger again, to come at any time. */
  duplicate: Failover['watched'] | null;
  switching: boolean;
  /** Disturbances that may still come. */
  budget: number;
}

export interface Move {
  what: string;
  next: SmallState;
}

export interface SmallOptions {
  nodes: number;
  budget: number;
  lastEpoch: number;
  flaw: Flaw | null;
}

export const freshAgent = (): NonNullable<SmallNode['agent']> => ({
  view: null,
  state: 'backup',
  frozen: false,
  promise: null,
  silent: 0,
  sinceFirst: 0,
  request: null,
  done: false,
});

/** A seated cluster whose agents have just started. */
export function beginning({ nodes, budget }: SmallOptions): SmallState {
  const seated = changed(vacantLease('alpha', defaultTimings.ttlMs), 'seat', { node: 'a', epoch: 0 }, '');
  if (!seated.ok) throw new Error(seated.error.message);
  return {
    lease: seated.value,
    nodes: ['a', 'b', 'c'].slice(0, nodes).map((name) => ({
      name,
      agent: freshAgent(),
      power: 'on',
      engine: 'read-only',
      deadman: null,
      ghost: null,
    })),
    failover: null,
    duplicate: null,
    switching: false,
    budget,
  };
}

// ---- small steps of one thing, each giving a new state

export const withNode = (state: SmallState, node: SmallNode, change: Partial<SmallNode>): SmallState => ({
  ...state,
  nodes: state.nodes.map((each) => (each === node ? { ...each, ...change } : each)),
});

export type Agent = NonNullable<SmallNode['agent']>;
export const withAgent = (state: SmallState, node: SmallNode, change: Partial<Agent>): SmallState =>
  withNode(state, node, { agent: { ...(node.agent as Agent), ...change } });

export function written(state: SmallState, name: TransitionName, request: ChangeRequest): SmallState | null {
  const next = changed(state.lease, name, request, '');
  return next.ok ? { ...state, lease: next.value } : null;
}
