// Token buckets on the agent's clock: so many calls at once, and so many a second from then on. One for all who have the token, one
// for each address that failed to show it, so that whoever guesses locks nobody out but himself.

import type { Clock } from '../../core/ports';

export interface Rate {
  /** Calls at once. */
  burst: number;
  perSecond: number;
}

export class Bucket {
  private left: number;
  private atMs: number;

  constructor(
    private readonly clock: Pick<Clock, 'nowMs'>,
    private readonly rate: Rate,
  ) {
    this.left = rate.burst;
    this.atMs = clock.nowMs();
  }

  /** Until the next call may come, in ms; 0: now. Takes nothing. */
  waitMs(): number {
    const nowMs = this.clock.nowMs();
    const { burst, perSecond } = this.rate;
    this.left = Math.min(burst, this.left + ((nowMs - this.atMs) / 1000) * perSecond);
    this.atMs = nowMs;
    return this.left >= 1 ? 0 : Math.ceil(((1 - this.left) / perSecond) * 1000);
  }

  take(): void {
    this.left = Math.max(0, this.left - 1);
  }
}

/** One bucket per address; the address that was met first is forgotten first. */
export class Buckets {
  private readonly all = new Map<string, Bucket>();

  constructor(
    private readonly clock: Pick<Clock, 'nowMs'>,
    private readonly rate: Rate,
    private readonly most: number,
  ) {}

  waitMs(address: string): number {
    return this.all.get(address)?.waitMs() ?? 0;
  }

  take(address: string): void {
    const bucket = this.all.get(address) ?? new Bucket(this.clock, this.rate);
    bucket.waitMs();
    bucket.take();
    this.all.set(address, bucket);
    const first = this.all.keys().next();
    if (this.all.size > this.most && !first.done) this.all.delete(first.value);
  }
}
