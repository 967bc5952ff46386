// One simulated machine: an engine with positions and replication, a deadman, and agents that are killed, frozen and
// started again. An agent that is dead does nothing more; one that is frozen does it later, between any two of its awaits.

import type { VirtualClock } from '../../adapters/memory/clock';
import type { EngineStatus, NodeConfig, NodeName } from '../../core/model';
import type { Clock, Deadman, Driven, DriverProblem, EngineDriver } from '../../core/ports';
import { fail, ok } from '../../core/result';
import type { Random } from './random';

const bytesPerWrite = 100;
const problem = (code: DriverProblem['code'], message: string): DriverProblem => ({
  code,
  message,
  next: 'look again',
});

/** What the engine holds: the writes in order, each with the timeline it was written on. */
export interface Write {
  id: number;
  timeline: number;
}

export class Machine {
  running = false;
  writable = false;
  standby = true;
  following: NodeName | null = null;
  timeline = 1;
  writes: Write[] = [];
  forkedAt: number | null = null;
  /** Set by the scenario: the engine cannot be started. */
  broken = false;
  powered = true;
  reachesStore = true;
  /** Set by a scenario: bash is not there. */
  withoutDeadman = false;
  incarnation: Incarnation | null = null;
  private pidNow = 1;
  private deadline: { atMs: number; pid: number } | null = null;

  constructor(
    readonly config: NodeConfig,
    private readonly clock: VirtualClock,
    private readonly random: Random,
    private readonly peers: () => Machine[],
    /** Every change of what accepts writes goes through here, so that the checker sees each moment. */
    private readonly changed: (why: string) => void,
  ) {}

  get name(): NodeName {
    return this.config.name;
  }

  setRunning(running: boolean, writable: boolean, why: string): void {
    if (running && !this.running) this.pidNow += 1;
    this.running = running;
    this.writable = running && writable;
    this.changed(`${this.name} ${why}: ${this.running ? (this.writable ? 'writable' : 'read-only') : 'stopped'}`);
  }

  killEngine(why: string): void {
    if (this.running) this.setRunning(false, false, why);
  }

  /** The plug: engine, agent and deadman at once. */
  powerOff(): void {
    this.powered = false;
    this.incarnation?.die();
    this.incarnation = null;
    this.deadline = null;
    this.killEngine('lost power');
  }

  isPrefixOf(other: Machine): boolean {
    return (
      this.writes.length <= other.writes.length &&
      this.writes.every((write, index) => other.writes[index]?.id === write.id)
    );
  }

  /** One round of streaming: some of what the main has and this has not. */
  stream(): void {
    const main = this.peers().find(({ name }) => name === this.following);
    if (!this.isStreaming() || !main) return;
    const lag = this.random.chance(0.8) ? 0 : Math.floor(this.random.between(0, 3));
    this.writes = main.writes.slice(0, Math.max(this.writes.length, main.writes.length - lag));
    this.timeline = main.timeline;
    this.forkedAt = main.forkedAt;
  }

  isStreaming(): boolean {
    const main = this.peers().find(({ name }) => name === this.following);
    return (
      this.running && !this.writable && main !== undefined && main !== this && main.running && this.isPrefixOf(main)
    );
  }

  status(): EngineStatus {
    const position = { timeline: this.timeline, bytes: this.writes.length * bytesPerWrite };
    return {
      running: this.running,
      writable: this.writable,
      received: position,
      applied: position,
      following: this.standby ? this.following : null,
      streaming: this.isStreaming(),
      dataId: 'data',
      forkedAt: this.forkedAt === null ? null : { timeline: this.timeline, bytes: this.forkedAt },
      problem: this.broken ? 'cannot be started' : null,
    };
  }

  /** The driver as an agent sees it: every call takes time in which anything may happen. */
  driver(clock: Clock): EngineDriver {
    const takes = (low: number, high: number) => clock.sleep(this.random.between(low, high));
    const startReadOnly = async (): Driven => {
      await takes(50, 300);
      if (this.broken || !this.powered) return fail(problem('NotStarted', 'the engine does not start'));
      if (this.writable) this.killEngine('restarted read-only');
      this.standby = true;
      if (!this.running) this.setRunning(true, false, 'started read-only');
      return ok(undefined);
    };
    return {
      status: async () => {
        await takes(1, 5);
        return this.status();
      },
      standBy: startReadOnly,
      follow: async (main) => {
        const started = await startReadOnly();
        if (!started.ok) return started;
        this.following = main.name;
        const upstream = this.peers().find(({ name }) => name === main.name);
        if (upstream?.running && !this.isPrefixOf(upstream))
          return fail(problem('Diverged', 'own history is no prefix'));
        return ok(undefined);
      },
      promote: async () => {
        await takes(30, 400);
        if (!this.running) return fail(problem('NotPromoted', 'the engine is down'));
        if (!this.writable) this.becomeWritable('promoted');
        return ok(undefined);
      },
      startAsMain: async (spawned) => {
        await takes(20, 100);
        if (this.broken || !this.powered) return fail(problem('NotStarted', 'the engine does not start'));
        if (this.running && !this.writable) this.killEngine('restarted as main');
        if (!this.running) this.setRunning(true, false, 'recovering');
        const pid = this.pidNow;
        spawned(pid);
        await takes(50, 1500);
        if (!this.running || this.pidNow !== pid)
          return fail(problem('NotStarted', 'it was stopped while it recovered'));
        this.standby = false;
        this.setRunning(true, true, 'started as main');
        return ok(undefined);
      },
      checkpoint: async () => undefined,
      drain: async () => {
        await takes(50, 500);
        for (const peer of this.peers()) if (peer.following === this.name) peer.stream();
        // A clean stop has sent everything to whoever streams.
        for (const peer of this.peers()) {
          if (peer.following === this.name && peer.isStreaming()) peer.writes = [...this.writes];
        }
        this.killEngine('drained');
        return ok({ timeline: this.timeline, bytes: this.writes.length * bytesPerWrite });
      },
      fence: async () => {
        await takes(5, 200);
        this.killEngine('fenced');
        return ok(undefined);
      },
      rejoin: async (main) => {
        await takes(200, 3000);
        if (!this.powered) return fail(problem('NotRejoined', 'no power'));
        const upstream = this.peers().find(({ name }) => name === main.name);
        if (!upstream?.running) return fail(problem('NotRejoined', 'the main does not answer'));
        this.broken = false;
        const prefix = this.isPrefixOf(upstream);
        if (this.writable) this.killEngine('rejoins');
        if (!prefix) this.writes = [...upstream.writes];
        this.timeline = upstream.timeline;
        this.standby = true;
        this.following = main.name;
        this.setRunning(true, false, 'rejoined');
        return ok({ method: prefix ? ('follow' as const) : ('rewind' as const), evidence: prefix ? null : 'kept' });
      },
      keepSlots: async () => undefined,
      probe: async (_host, _port, epoch) => {
        await takes(5, 50);
        const accepted = this.probeVip();
        return { epoch, accepted, ms: 10, message: accepted ? 'written' : 'refused' };
      },
      pid: async () => (this.running ? this.pidNow : null),
    };
  }

  /** Filled by the world: is what the VIP points to writable? */
  probeVip: () => boolean = () => false;

  private becomeWritable(why: string): void {
    this.timeline += 1;
    this.forkedAt = this.writes.length * bytesPerWrite;
    this.standby = false;
    this.setRunning(true, true, why);
  }

  /** Lives as long as the machine has power, whatever the agent does. */
  deadman(clock: Clock): Deadman {
    return {
      arm: (pid, deadlineMs) => {
        if (this.withoutDeadman) return;
        const atMs = this.clock.nowMs() + (deadlineMs - clock.nowMs());
        const deadline = { atMs, pid };
        this.deadline = deadline;
        void this.clock.sleep(Math.max(0, atMs - this.clock.nowMs())).then(() => {
          if (this.deadline === deadline && this.pidNow === pid) this.killEngine('killed by the deadman');
        });
      },
      disarm: () => {
        this.deadline = null;
      },
      status: () => (this.withoutDeadman ? 'absent' : this.deadline ? 'armed' : 'disarmed'),
      stop: async () => undefined,
    };
  }
}

/** One life of an agent: its clock and its gate. Dead, nothing it awaits ever comes; frozen, it comes after the thaw. */
export class Incarnation {
  private alive = true;
  private thawed: Promise<void> = Promise.resolve();
  private thaw: (() => void) | null = null;

  constructor(
    private readonly base: VirtualClock,
    private readonly rate: number,
  ) {}

  die(): void {
    this.alive = false;
  }

  freeze(): void {
    if (this.thaw) return;
    this.thawed = new Promise((resolve) => {
      this.thaw = resolve;
    });
  }

  melt(): void {
    this.thaw?.();
    this.thaw = null;
  }

  async gate(): Promise<void> {
    await this.thawed;
    if (!this.alive) await new Promise(() => undefined);
  }

  /** Its own monotonic clock, wrong by its rate. */
  readonly clock: Clock = {
    nowMs: () => this.base.nowMs() * this.rate,
    wall: () => this.base.wall(),
    sleep: async (ms) => {
      await this.base.sleep(ms / this.rate);
      await this.gate();
    },
  };

  /** A port whose every answer passes the gate, before and after. */
  guard<Port extends object>(port: Port): Port {
    return Object.fromEntries(
      Object.entries(port).map(([name, method]) => [
        name,
        typeof method !== 'function'
          ? method
          : async (...args: unknown[]) => {
              await this.gate();
              const answer = await method(...args);
              await this.gate();
              return answer;
            },
      ]),
    ) as Port;
  }
}
