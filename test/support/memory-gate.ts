// The gate in memory: a kernel that counts on the clock it is given, and gates of one or more processes on it. For tests and
// for the simulation, which freeze the processes and not the kernel.

import type { CountedPromise, Gate, GateProblem, GateStatus } from '../../core/gate';
import { fail, ok } from '../../core/result';

interface Rules {
  /** Ends, on the clock, of the promises that are counted. */
  promises: { a: number; b: number };
  confirmed: CountedPromise['slot'] | null;
  ticket: { number: number; endsAtMs: number } | null;
  reading: boolean;
  refusing: boolean;
}

export class MemoryKernel {
  private there: Rules | null = null;
  /** Hears when sessions are cut. */
  cut: () => void = () => undefined;
  private tickets = 0;

  /** `changed` hears whenever the rules are others. */
  constructor(
    private readonly clock: { nowMs(): number },
    private readonly changed: () => void = () => undefined,
  ) {}

  get rules(): Rules | null {
    return this.there;
  }

  set rules(rules: Rules | null) {
    this.there = rules;
    this.changed();
  }

  nowMs = (): number => this.clock.nowMs();

  newTicket(): number {
    this.tickets += 1;
    return this.tickets;
  }

  /** What is left of the promise that is in force, in ms. */
  leftMs(): number {
    const { rules } = this;
    return rules?.confirmed ? Math.max(0, rules.promises[rules.confirmed] - this.nowMs()) : 0;
  }

  /** Whether packets of clients pass. */
  passes(): boolean {
    return this.rules === null || this.rules.reading || this.leftMs() > 0;
  }
}

const shutRules = (refusing: boolean): Rules => ({
  promises: { a: 0, b: 0 },
  confirmed: null,
  ticket: null,
  reading: false,
  refusing,
});

const lapsed = fail<GateProblem>({
  code: 'Lapsed',
  message: 'the promise was over, or replaced, before it was confirmed',
  next: 'renew the lease and confirm that promise',
});

export function createMemoryGate(kernel: MemoryKernel): Gate {
  let repairs = 0;
  let wasOpen = false;
  const ensured = (): Rules => {
    if (kernel.rules === null) {
      repairs += 1;
      kernel.rules = shutRules(!wasOpen);
    }
    return kernel.rules;
  };
  const shut = () => {
    kernel.rules = shutRules(true);
    kernel.cut();
  };
  return {
    install: async () => {
      if (kernel.rules !== null) return ok('kept');
      kernel.rules = shutRules(!wasOpen);
      return ok('installed');
    },
    promise: async (promiseMs) => {
      const rules = ensured();
      const slot = rules.confirmed === 'a' ? 'b' : 'a';
      const endsAtMs = kernel.nowMs() + promiseMs;
      rules.promises[slot] = endsAtMs;
      rules.ticket = { number: kernel.newTicket(), endsAtMs };
      return ok({ ticket: rules.ticket.number, slot });
    },
    confirm: async ({ ticket, slot }) => {
      const rules = ensured();
      if (rules.ticket?.number !== ticket || rules.ticket.endsAtMs <= kernel.nowMs()) return lapsed;
      if (rules.refusing) kernel.cut();
      kernel.rules = { ...rules, ticket: null, confirmed: slot, reading: false, refusing: false };
      wasOpen = true;
      return ok(undefined);
    },
    openReadOnly: async () => {
      if (ensured().reading) return ok(undefined);
      shut();
      kernel.rules = { ...shutRules(false), reading: true };
      wasOpen = true;
      return ok(undefined);
    },
    shut: async () => {
      wasOpen = false;
      ensured();
      shut();
      return ok(undefined);
    },
    status: async (): Promise<GateStatus> => {
      const seen = { intact: kernel.rules !== null, repairs, problem: kernel.rules ? null : 'its table is gone' };
      if (kernel.rules === null) return { state: 'absent', leftMs: null, ...seen };
      if (kernel.rules.reading) return { state: 'read-only', leftMs: null, ...seen };
      const leftMs = kernel.leftMs();
      return leftMs > 0 ? { state: 'promise', leftMs, ...seen } : { state: 'shut', leftMs: null, ...seen };
    },
    remove: async () => {
      kernel.rules = null;
      return ok(undefined);
    },
    stop: async () => undefined,
  };
}
