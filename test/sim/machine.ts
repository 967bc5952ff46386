// One simulated machine: power, an engine, a deadman that lives beside the agent, and the agent's lives one after another.

import type { VirtualClock } from '../../adapters/memory/clock';
import type { Agent } from '../../agent/agent';
import type { NodeConfig, NodeName } from '../../core/model';
import type { Clock, Deadman } from '../../core/ports';
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
  private frozen = false;
  private deadline: { atMs: number; pid: number } | null = null;

  constructor(
    readonly config: NodeConfig,
    readonly engine: Engine,
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {}

  get name(): NodeName {
    return this.config.name;
  }

  get isFrozen(): boolean {
    return this.frozen;
  }

  /** Frozen or stalled, it may wake writable; not when an overdue deadman wakes with it. */
  mayStillAccept(): boolean {
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

  /** The deadman comes first: docs/limits.md tells what is assumed here. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    const { deadline } = this;
    if (deadline && deadline.atMs <= this.clock.nowMs() && this.engine.pid === deadline.pid) {
      this.engine.kill('killed by the deadman at the thaw');
    }
    this.engine.frozen = false;
    this.life?.melt();
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
