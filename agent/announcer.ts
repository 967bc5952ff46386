// A contender that has watched a full ttl of silence says so, again and again until the lease moves (L3): events may be
// lost, and dispatch makes duplicates harmless (T49). It never claims anything itself. Half a ttl earlier it says that the lease is
// overdue, once: that starts nothing, and lets the functions of a failover be started before they are needed.

import type { Lease } from '../core/model';
import { contenderWaitMs } from '../core/timings';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

const EVERY_MS = 1000;
/** After this long the attempt number grows, so that an execution that ended without effect is followed by another. */
const ATTEMPT_MS = 30_000;

export class Announcer {
  private lastAtMs = Number.NEGATIVE_INFINITY;
  private lastSilence = '';
  private lastOverdue = '';

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    private readonly record: (kind: 'event', rule: string, because: string) => void,
  ) {}

  /** The present holder never contends with itself. */
  async announce(): Promise<void> {
    const { clock } = this.parts;
    const { lease } = this.keeper;
    if (lease === null || this.keeper.holdsIt) return;
    if (!this.isOver(lease)) return this.warn(lease);
    if (clock.nowMs() - this.lastAtMs < EVERY_MS) return;
    this.lastAtMs = clock.nowMs();
    const silentMs = Math.round(this.keeper.silentMs());
    const attempt = Math.floor(Math.max(0, silentMs - this.waitMs(lease)) / ATTEMPT_MS);
    this.recordOnce(lease, silentMs);
    await this.publish('Lease Expired', { silentMs, attempt });
  }

  private async warn({ epoch, renewals, phase, ttlMs }: Lease): Promise<void> {
    const silence = `${epoch}/${renewals}`;
    if (phase !== 'held' || this.keeper.silentMs() < ttlMs / 2 || silence === this.lastOverdue) return;
    this.lastOverdue = silence;
    await this.publish('Lease Overdue', { silentMs: Math.round(this.keeper.silentMs()), attempt: 0 });
  }

  /** The holder gave the lease up: nobody has to wait for the ttl. */
  engineDown(): Promise<void> {
    return this.publish('Engine Down', { silentMs: 0, attempt: 0 });
  }

  private isOver(lease: Lease): boolean {
    if (lease.phase === 'abdicated') return true;
    return ['held', 'granted', 'claimed'].includes(lease.phase) && this.keeper.silentMs() >= this.waitMs(lease);
  }

  private waitMs(lease: Lease): number {
    return contenderWaitMs({ ...this.parts.config.timings, ttlMs: lease.ttlMs });
  }

  private recordOnce({ epoch, renewals, holder, phase }: Lease, silentMs: number): void {
    const silence = `${epoch}/${renewals}/${phase}`;
    if (silence === this.lastSilence) return;
    this.lastSilence = silence;
    this.record(
      'event',
      'Lease Expired',
      `${holder ?? 'nobody'} (${phase}) silent for ${silentMs} ms, seen by ${this.parts.me.name}`,
    );
  }

  private async publish(
    type: 'Lease Overdue' | 'Lease Expired' | 'Engine Down',
    more: { silentMs: number; attempt: number },
  ): Promise<void> {
    const { events, config, me, log } = this.parts;
    const { epoch = 0, renewals = 0 } = this.keeper.lease ?? {};
    const told = await events.publish({
      type,
      cluster: config.name,
      detail: { epoch, renewals, seenBy: me.name, ...more },
    });
    log(told.ok ? `${type}: announced` : `${type}: not announced: ${told.error.message}`, { epoch, renewals, ...more });
  }
}
