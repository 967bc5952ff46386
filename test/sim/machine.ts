// One simulated machine: power, an engine, a kernel with a gate or without, a deadman that lives beside the agent, and the agent's
// lives one after another. What freezes a machine stops its processes; its kernel counts on.

import type { Agent } from '../../agent/agent';
import { createAbsentGate } from '../../agent/gate/absent';
import type { Gate } from '../../core/gate';
import type { NodeConfig, NodeName } from '../../core/model';
import type { Clock, Deadman } from '../../core/ports';
import { createMemoryGate, MemoryKernel } from '../support/memory-gate';
import type { Engine } from './engine';
import type { Life } from './life';
import type { Random } from './random';

/** How long a killed engine may take to be gone, in ms: within `engineStopMs` of the timings. */
const dyingMs = 600;

export class Machine {
  powered = true;
  /** A wall clock that was stepped, against the true one. */
  wallOffsetMs = 0;
  /** bash is not there. */
  withoutDeadman = false;
  life: Life | null = null;
  agent: Agent | null = null;
  /** The agent was stopped on purpose and has ended; whether nothing disturbed it meanwhile. */
  left: { epoch: number; undisturbed: boolean } | null = null;
  /** Its agent has been asked to end. */
  leaving = false;
  private readonly kernel: MemoryKernel;
  private frozen = false;
  private deadline: { atMs: number; pid: number } | null = null;

  constructor(
    readonly config: NodeConfig,
    readonly engine: Engine,
    private readonly clock: Clock,
    private readonly random: Random,
    /** Its kernel has a gate; without one, self-fence rests on the deadman alone. */
    readonly gated: boolean,
    shutOrOpened: () => void,
  ) {
    this.kernel = new MemoryKernel(clock, shutOrOpened);
  }

  get name(): NodeName {
    return this.config.name;
  }

  get isFrozen(): boolean {
    return this.frozen;
  }

  /** Would a client get an acknowledgement now? */
  get accepts(): boolean {
    return this.engine.accepts && (!this.gated || this.kernel.passes());
  }

  /** Frozen or stalled, it may wake writable; not when an overdue deadman wakes with it. */
  mayStillAccept(): boolean {
    // What nobody can confirm any more stays shut; a wait for a confirmation under way ends with its ticket.
    if (this.gated && !this.kernel.passes()) return false;
    const overdue =
      this.deadline && this.deadline.pid === this.engine.pid && this.deadline.atMs + dyingMs <= this.clock.nowMs();
    return this.engine.mayStillAccept && !overdue;
  }

  /** The plug: engine, agent and deadman at once. */
  powerOff(): void {
    this.powered = false;
    this.frozen = false;
    this.engine.frozen = false;
    this.killAgent();
    this.deadline = null;
    this.engine.stopped('lost power');
    this.kernel.rules = null;
  }

  killAgent(): void {
    this.life?.die();
    this.life = null;
    this.agent = null;
    this.leaving = false;
  }

  /** The whole machine stands still, as a hypervisor does it: the zombie. */
  freeze(): void {
    if (!this.powered || this.frozen) return;
    this.frozen = true;
    this.engine.frozen = true;
    this.life?.freeze();
  }

  /** Without a gate the deadman comes first: docs/limits.md tells what is assumed here. With one nothing is. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    const { deadline } = this;
    const overdue = deadline && deadline.atMs <= this.clock.nowMs() && this.engine.pid === deadline.pid;
    if (overdue && !this.gated) this.engine.kill('killed by the deadman at the thaw');
    if (overdue && this.gated) void this.watch(deadline);
    this.engine.frozen = false;
    this.life?.melt();
  }

  /** As an agent of this machine finds it; a call takes a moment. */
  gate(clock: Clock): Gate {
    if (!this.gated) return createAbsentGate('this machine has none');
    const gate = createMemoryGate(this.kernel);
    const slow = Object.entries(gate).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        await clock.sleep(this.random.between(1, 8));
        return (method as (...all: unknown[]) => unknown)(...args);
      },
    ]);
    return Object.fromEntries(slow) as Gate;
  }

  /** Lives as long as the machine has power, whatever the agent does. */
  deadman(clock: Clock): Deadman {
    return {
      arm: (pid, deadlineMs) => {
        if (this.withoutDeadman) return;
        const deadline = { atMs: this.clock.nowMs() + (deadlineMs - clock.nowMs()), pid };
        this.deadline = deadline;
        void this.watch(deadline);
      },
      disarm: () => {
        this.deadline = null;
      },
      status: () => (this.withoutDeadman ? 'absent' : this.deadline ? 'armed' : 'disarmed'),
      stop: async () => undefined,
    };
  }

  private async watch(deadline: { atMs: number; pid: number }): Promise<void> {
    await this.clock.sleep(Math.max(0, deadline.atMs - this.clock.nowMs()));
    if (this.deadline !== deadline || this.frozen) return;
    await this.clock.sleep(this.random.between(0, dyingMs));
    // Once it has fired nothing calls it back.
    if (this.powered && this.engine.pid === deadline.pid) this.engine.kill('killed by the deadman');
  }
}
