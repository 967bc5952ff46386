// The port of the gate (L2): the lease enforced by the node's kernel. Client packets to and from the engine's ports pass only
// while the kernel counts a promise that was confirmed, or while the gate is open for reading. It never depends on a living
// process, and never touches a packet that is not the engine's.

import type { Problem } from './errors';
import type { Result } from './result';

export type GateProblem = Problem<
  /** What it was given cannot be made into rules. */
  | 'BadSettings'
  /** The kernel did not take it, or nobody could be asked; nothing is opened by it. */
  | 'NotApplied'
  /** The promise was over, or replaced, before it was confirmed: the gate was not opened. */
  | 'Lapsed'
  /** Sessions from before the gate was shut are still there; it stays shut. */
  | 'SessionsLeft'
>;
export type Gated<T = void> = Promise<Result<T, GateProblem>>;

/** A promise that the kernel counts already and that opens nothing until it is confirmed. */
export interface CountedPromise {
  readonly ticket: number;
  readonly slot: 'a' | 'b';
}

export interface GateStatus {
  /** `promise`: open until it has run out. `absent`: this node has no gate. */
  state: 'absent' | 'shut' | 'promise' | 'read-only';
  /** What the kernel shows to be left of the promise, in ms; null in every other state. */
  leftMs: number | null;
  /** The rules in the kernel are those that were installed. False when somebody flushed or changed them. */
  intact: boolean;
  /** How often rules that were lost or changed had to be put back, in this process's life. */
  repairs: number;
  problem: string | null;
}

/**
 * Every call is idempotent, looks at the rules first and puts them back when they are not what they should be. Calls of
 * one process are taken one after the other. What was put back is shut: the next promise or `openReadOnly` opens it.
 */
export interface Gate {
  /** Puts the rules there, shut. Rules that are there and right are kept as they are, with a promise that runs. */
  install(): Gated<'kept' | 'installed'>;
  /**
   * Called before the renewal is sent: from now on the kernel counts (T2). Opens nothing and shuts nothing. Whatever
   * freezes between here and `confirm`, the promise does not end later than `promiseMs` after this call returned.
   */
  promise(promiseMs: number): Gated<CountedPromise>;
  /** The store has taken the renewal: open for what is left. Only the last promise counts; one that is over is Lapsed (T5). */
  confirm(promise: CountedPromise): Gated;
  /** Open with no end, for an engine that was seen to be read-only. Ends any promise. */
  openReadOnly(): Gated;
  /** Shut for clients, open for peers. Sessions are cut; on success none is left that could still be sent something. */
  shut(): Gated;
  /** Never fails, changes nothing. */
  status(): Promise<GateStatus>;
  /** Leaves no trace in the kernel: the port is open to everybody again. For uninstalling only. */
  remove(): Gated;
  /** This process is done with it; the rules stay, and a promise runs out by itself. */
  stop(): Promise<void>;
}
