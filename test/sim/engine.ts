// A model of one node's engine: a history of writes with timelines, streaming, and the ways in which it stops, hangs,
// stalls and comes back. What it was told goes on by itself: a promotion does not end because the agent that asked dies.

import { type EngineStatus, type NodeName, unknownEngine } from '../../core/model';
import type { Clock } from '../../core/ports';
import type { Random } from './random';

/** Bytes of one write: makes positions out of counts. */
export const writeBytes = 100;

/** One write; ids are given once, so two histories agree up to a place where both have the same id. */
export interface Write {
  id: number;
}

/** hangs: answers nobody, and can be killed. disk: not even a kill takes effect before the disk is back. */
export type Stall = 'hangs' | 'disk';

export class Engine {
  running = false;
  writable = false;
  standby = true;
  following: NodeName | null = null;
  timeline = 1;
  forkedAt: number | null = null;
  writes: Write[] = [];
  pid = 1;
  stall: Stall | null = null;
  /** With its whole node. */
  frozen = false;
  /** Why it cannot be started, or null. */
  defect: string | null = null;
  /** A rewind was interrupted: what is on the disk is no history at all (T35). */
  torn = false;
  stopMs = 0;
  lagWrites = 0;
  /** Whom a commit waits for; survives a restart, as a setting does. */
  waited: readonly NodeName[] = [];
  private told: readonly NodeName[] = [];
  /** It sent everything and stopped by itself, the last time it stopped. */
  clean = true;
  /** Somebody has promoted it without asking anybody: what no protocol can prevent, and the agent must end (R60). */
  byHand = false;
  /** Killed while its disk stalls: dead as soon as it wakes. */
  private doomed = false;

  constructor(
    readonly name: NodeName,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly peer: (name: NodeName) => Engine | undefined,
    private readonly linked: (other: NodeName) => boolean,
    /** Every change goes through here, so that the checkers see each moment. */
    private readonly changed: (why: string) => void,
  ) {}

  /** Would a write be acknowledged now? */
  get accepts(): boolean {
    return this.running && this.writable && !this.byHand && this.stall === null && !this.frozen;
  }

  /** Might one be acknowledged later, without anybody starting it? */
  get mayStillAccept(): boolean {
    return this.running && this.writable && !this.byHand && !this.doomed;
  }

  get bytes(): number {
    return this.writes.length * writeBytes;
  }

  set(running: boolean, writable: boolean, why: string): void {
    if (running && !this.running) this.pid += 1;
    this.running = running;
    this.writable = running && writable;
    if (!running) {
      this.doomed = false;
      this.byHand = false;
    }
    this.changed(`${why}: ${running ? (writable ? 'writable' : 'read-only') : 'stopped'}`);
  }

  kill(why: string): void {
    if (!this.running) return;
    if (this.stall === 'disk') this.doomed = true;
    else this.stopped(why);
  }

  /** Whatever it waits for: power is not waited for. */
  stopped(why: string): void {
    this.stall = null;
    if (!this.running) return;
    this.clean = false;
    this.set(false, false, why);
  }

  stalls(how: Stall): void {
    if (!this.running || this.stall) return;
    this.stall = how;
    this.changed(how === 'hangs' ? 'hangs' : 'waits for its disk');
  }

  revive(): void {
    if (this.stall === null) return;
    this.stall = null;
    if (this.doomed) this.stopped('killed while its disk stalled');
    else this.changed('is back');
  }

  // ---- replication

  /** In force a moment later: processes read a changed setting one by one; at once for an engine that is not writable. */
  async waitFor(nodes: readonly NodeName[]): Promise<void> {
    this.told = nodes;
    if (this.writable) await this.clock.sleep(this.random.between(0, this.waited.length === 0 ? 300 : 50));
    // In the order in which it was told.
    this.waited = this.told;
  }

  hasAllOf(other: Engine): boolean {
    return other.isPrefixOf(this);
  }

  isPrefixOf(other: Engine): boolean {
    const last = this.writes.length - 1;
    return last < 0 || other.writes[last]?.id === this.writes[last]?.id;
  }

  private upstream(): Engine | undefined {
    return this.following === null || this.following === this.name ? undefined : this.peer(this.following);
  }

  isStreaming(): boolean {
    const main = this.upstream();
    const up = main?.running && !main.frozen && main.stall === null && this.linked(main.name);
    return Boolean(
      up && main && this.running && !this.writable && !this.frozen && this.stall === null && this.isPrefixOf(main),
    );
  }

  /** One round of streaming: some of what the main has and this has not. */
  stream(all = false): void {
    const main = this.upstream();
    if (!main || !this.isStreaming()) return;
    const behind = all ? 0 : this.lagWrites || (this.random.chance(0.8) ? 0 : Math.floor(this.random.between(0, 3)));
    for (let at = this.writes.length; at < main.writes.length - behind; at++)
      this.writes.push(main.writes[at] as Write);
    this.timeline = main.timeline;
    this.forkedAt = main.forkedAt;
  }

  status(): EngineStatus {
    const { running, stall, defect, following } = this;
    if (running && stall) return { ...unknownEngine, running, following, problem: 'does not answer' };
    const position = { timeline: this.timeline, bytes: this.bytes };
    return {
      running,
      writable: this.writable,
      received: position,
      applied: position,
      following: this.standby ? following : null,
      streaming: this.isStreaming(),
      dataId: 'data',
      forkedAt: this.forkedAt === null ? null : { timeline: this.timeline, bytes: this.forkedAt },
      problem: defect ?? (this.torn ? 'a rewind was interrupted' : null),
    };
  }

  // ---- what it does by itself once it was told

  /** After this long, if it is still the same process. */
  private async after(ms: number, act: () => void): Promise<void> {
    const { pid } = this;
    await this.clock.sleep(ms);
    while (this.running && this.pid === pid && (this.stall || this.frozen)) await this.clock.sleep(100);
    if (this.running && this.pid === pid) act();
  }

  promote(ms: number): Promise<void> {
    return this.after(ms, () => {
      if (this.writable) return;
      this.timeline += 1;
      this.forkedAt = this.bytes;
      this.standby = false;
      this.set(true, true, 'promoted');
    });
  }

  start(standby: boolean, why: string): void {
    this.standby = standby;
    this.set(true, false, why);
  }

  /** Recovers what it has, then accepts writes. */
  open(ms: number): Promise<void> {
    return this.after(ms, () => {
      this.standby = false;
      this.set(true, true, 'started as main');
    });
  }

  /** Sessions are cut first, then everything is sent to whoever streams, then it ends. */
  shutDown(followers: () => Engine[]): Promise<void> {
    this.set(true, false, 'sessions cut');
    return this.after(this.stopMs || this.random.between(50, 500), () => {
      for (const follower of followers()) follower.stream(true);
      this.clean = true;
      this.set(false, false, 'drained');
    });
  }
}
