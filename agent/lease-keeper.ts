// What this node knows of the lease and what it has promised: reads, renews, and counts the promise from before the send (L2).
// It never acts on the engine. A refused write teaches it the winner; an unanswered one leaves the promise running down (L4).

import type { ChangeRequest } from '../core/clauses';
import type { Gate } from '../core/gate';
import { changed, type TransitionName, vacantLease } from '../core/lease';
import type { Lease } from '../core/model';
import type { Clock, Ids, LeaseStore } from '../core/ports';
import { promiseMs, type Timings } from '../core/timings';
import { silentMs, type Watch, watched } from '../core/watch';

export interface KeeperOptions {
  store: LeaseStore;
  /** The kernel counts what this node promises: a promise that it does not know is none. */
  gate: Pick<Gate, 'promise' | 'confirm' | 'shut'>;
  /** Clients may be let in now. A promise that keeps the gate shut is one all the same. */
  visible: () => boolean;
  clock: Clock;
  ids: Ids;
  cluster: string;
  node: string;
  timings: Timings;
}

/** Writers of the lease besides its holder are few and slow: two conflicts in a row are rare, five a fault. */
const CONFLICT_ROUNDS = 5;

/** A contender looks once a heartbeat, or once a stuck request is given up; one that missed so many was asleep. */
const LOOKS_MISSED = 3;

export type Written = 'written' | 'refused' | 'unreachable';

export class LeaseKeeper {
  lease: Lease | null = null;
  /** Epoch and end of the promise, on the own clock. */
  private promise: { epoch: number; endsAtMs: number } | null = null;
  private watch: Watch | null = null;
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  /** The last renewal let nobody in. */
  private hidden = false;
  lastProblem: string | null = null;

  constructor(private readonly options: KeeperOptions) {}

  get holdsIt(): boolean {
    return this.lease?.holder === this.options.node;
  }

  get visible(): boolean {
    return this.options.visible();
  }

  /** What is left of my promise at the lease's epoch, in ms; null when I made none. */
  promiseLeftMs(): number | null {
    if (this.promise === null || this.promise.epoch !== this.lease?.epoch) return null;
    return this.promise.endsAtMs - this.options.clock.nowMs();
  }

  /** End of the last promise made, whatever the lease says now: the engine must not write beyond it. */
  promiseEndsAtMs(): number | null {
    return this.promise?.endsAtMs ?? null;
  }

  silentMs(): number {
    return silentMs(this.watch);
  }

  /** A heartbeat after the last renewal that was written, or at once when the promise is over; a refused one stays due. */
  renewalIsDue(): boolean {
    if ((this.promiseLeftMs() ?? 0) <= 0 || (this.hidden && this.options.visible())) return true;
    // A little early rather than a round late: rounds are a heartbeat apart themselves.
    return this.options.clock.nowMs() - this.renewedAtMs >= 0.9 * this.options.timings.heartbeatMs;
  }

  async read(): Promise<void> {
    const read = await this.options.store.read(this.options.cluster);
    if (!read.ok) return this.missed(read.error.message);
    // An item that was never written is a cluster that never had a main.
    this.saw(read.value ?? vacantLease(this.options.cluster, this.options.timings.ttlMs));
  }

  /**
   * Renews or accepts; on success the promise runs from before the write was sent. Somebody else's write in between
   * (an operation that begins, a drain) is no reason to wait: the renewal is repeated on the winner at once.
   */
  async renew(name: 'renew' | 'accept', branch: ChangeRequest['branch'] | null): Promise<Written> {
    let result: Written = 'refused';
    for (let round = 0; round < CONFLICT_ROUNDS && result === 'refused' && this.maySend(name); round++) {
      result = await this.renewOnce(name, { ttlMs: this.options.timings.ttlMs, ...(branch ? { branch } : {}) });
    }
    return result;
  }

  private async renewOnce(name: 'renew' | 'accept', request: ChangeRequest): Promise<Written> {
    const { clock, gate, timings } = this.options;
    // Open for readers, and not to be seen once it is writable: nothing else would shut it before the first visible renewal (T31).
    const open = name === 'accept' && !this.options.visible() ? await gate.shut() : null;
    if (open && !open.ok) return this.ungated(open.error.message);
    const sentAtMs = clock.nowMs();
    const counted = await gate.promise(promiseMs(timings));
    if (!counted.ok) return this.ungated(counted.error.message);
    const result = await this.change(name, request);
    if (result !== 'written' || !this.lease) return result;
    const { epoch } = this.lease;
    this.hidden = !this.options.visible();
    const confirmed = this.hidden ? counted : await gate.confirm(counted.value);
    // The lease is renewed, and clients are not let in by it: the promise made before runs down (T10).
    if (!confirmed.ok) return this.ungated(confirmed.error.message);
    this.renewedAtMs = sentAtMs;
    this.promiseUntil(epoch, sentAtMs + promiseMs(timings));
    return 'written';
  }

  /** The promise is only ever extended within an epoch: a slow answer does not shorten what a later one has given. */
  private promiseUntil(epoch: number, endsAtMs: number): void {
    const before = this.promise?.epoch === epoch ? this.promise.endsAtMs : Number.NEGATIVE_INFINITY;
    this.promise = { epoch, endsAtMs: Math.max(before, endsAtMs) };
  }

  /**
   * Makes the promise last as if the lease had been renewed, if all the others agree to what is asked of them; counted from before
   * they were asked. Only a promise that still runs can be stretched: one that is over may have been acted upon.
   */
  async stretch(agreed: () => Promise<boolean>): Promise<boolean> {
    const { clock, gate, timings, visible } = this.options;
    const epoch = this.lease?.epoch ?? 0;
    const sentAtMs = clock.nowMs();
    const counted = await gate.promise(promiseMs(timings));
    if (!counted.ok || !(await agreed())) return false;
    if ((this.promiseLeftMs() ?? 0) <= 0 || this.lease?.epoch !== epoch) return false;
    if (visible() && !(await gate.confirm(counted.value)).ok) return false;
    this.promiseUntil(epoch, sentAtMs + promiseMs(timings));
    return true;
  }

  private ungated(message: string): 'unreachable' {
    this.lastProblem = message;
    return 'unreachable';
  }

  /** On the winner of a refused write the renewal may no longer be mine to send. */
  private maySend(name: 'renew' | 'accept'): boolean {
    const { lease } = this;
    if (lease === null || !this.holdsIt || lease.drain === 'transfer') return false;
    return name === 'accept' ? lease.phase === 'granted' : lease.phase === 'granted' || lease.phase === 'held';
  }

  /** One attempt on the lease as it is known; the caller decides anew on the winner. */
  async change(name: TransitionName, request: ChangeRequest): Promise<Written> {
    const { store, ids, node } = this.options;
    if (this.lease === null) return 'refused';
    const next = changed(this.lease, name, { node, epoch: this.lease.epoch, ...request }, ids.next());
    if (!next.ok) return 'refused';
    const swapped = await store.swap(this.lease, next.value);
    if (swapped.ok) {
      this.saw(swapped.value);
      return 'written';
    }
    if (swapped.error.code !== 'Refused') {
      this.missed(swapped.error.message);
      return 'unreachable';
    }
    this.saw((swapped.error.details as { winner: Lease | null }).winner);
    return 'refused';
  }

  private saw(lease: Lease | null): void {
    this.lastProblem = null;
    const { clock, timings } = this.options;
    this.watch = watched(this.watch, lease, clock.nowMs(), LOOKS_MISSED * timings.heartbeatMs);
    // A slow answer must not replace what a faster, later one has already told.
    if (lease !== null && this.lease !== null && lease.version < this.lease.version) return;
    this.lease = lease ?? this.lease;
  }

  /** A failed read starts the contender's count again (L3, T23). */
  private missed(message: string): void {
    this.watch = null;
    this.lastProblem = message;
  }
}
