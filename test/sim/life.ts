// A process that can die, freeze and thaw between any two of its awaits: an agent's incarnation, a Lambda's invocation.
// Dead, nothing it awaits ever comes; frozen, it comes after the thaw.

import type { Clock } from '../../core/ports';

export class Life {
  private alive = true;
  private thawed: Promise<void> | null = null;
  private thaw: () => void = () => undefined;
  /** Passes left until something happens to it, or null. */
  private countdown: { passes: number; act: () => void } | null = null;

  get isFrozen(): boolean {
    return this.thawed !== null;
  }

  die(): void {
    this.alive = false;
  }

  freeze(): void {
    this.thawed ??= new Promise((resolve) => {
      this.thaw = resolve;
    });
  }

  melt(): void {
    this.thawed = null;
    this.thaw();
  }

  /** Lets something happen at the n-th pass from now on: between any two awaits. */
  afterPasses(passes: number, act: () => void): void {
    this.countdown = { passes, act };
  }

  async gate(): Promise<void> {
    if (this.countdown && --this.countdown.passes < 0) {
      const { act } = this.countdown;
      this.countdown = null;
      act();
    }
    while (this.thawed) await this.thawed;
    // A promise of its own: one that all the dead waited for would keep every world in memory.
    if (!this.alive) await new Promise<void>(() => undefined);
  }

  /** A port whose every answer passes the gate, before and after. */
  guard<Port extends object>(port: Port): Port {
    const guarded = Object.entries(port).map(([name, method]) => [
      name,
      typeof method !== 'function'
        ? method
        : async (...args: unknown[]) => {
            await this.gate();
            const answer = await method(...args);
            await this.gate();
            return answer;
          },
    ]);
    return Object.fromEntries(guarded) as Port;
  }

  /** Its clock: monotonic and wrong by `rate`, the wall wrong by `wallOffsetMs`; whoever sleeps passes the gate. */
  clock(base: Clock, rate = 1, wallOffsetMs: () => number = () => 0): Clock {
    return {
      nowMs: () => base.nowMs() * rate,
      wall: () => new Date(Date.parse(base.wall()) + wallOffsetMs()).toISOString(),
      sleep: async (ms) => {
        await base.sleep(ms / rate);
        await this.gate();
      },
    };
  }
}
