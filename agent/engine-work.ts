// Takes the node from the state it has proven to the goal it was given, through the driver. Long work runs beside the loop;
// a goal to stop never waits for it. The engine becomes writable only under a running promise with the deadman armed (T5).

import type { Gate } from '../core/gate';
import { type EngineStatus, type NodeState, type Position, type RejoinResult, unknownEngine } from '../core/model';
import { type Action, actionFor } from './edges';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

/** A start or promotion that takes longer than this counts as failed: a stuck one must not keep its lease (T10). */
const BECOME_MAIN_BOUND_MS = 30_000;
/** An engine that has served this long after a restart has earned another one. */
const RESTART_FORGIVEN_MS = 60_000;
/** Failures of these are counted instead: the rules give them up after few. */
const BECOMES_MAIN: readonly Action[] = ['promote', 'serve'];
/** States that say: nothing can bring this engine up. */
const provenStopped: readonly NodeState[] = ['fenced', 'shunned', 'draining'];
/** Work this short ends within the round that began it. */
const WITHIN_ROUND_MS = 20;

export class EngineWork {
  state: NodeState = 'backup';
  engine: EngineStatus = { ...unknownEngine, problem: 'not looked at yet' };
  final: Position | null = null;
  rejoin: RejoinResult | null = null;
  private underWay: { action: Action; sinceMs: number; done: Promise<void> } | null = null;
  private lastFailure: { action: Action; retryAtMs: number } | null = null;
  private readableAtMs = Number.NEGATIVE_INFINITY;
  private failures = { epoch: 0, count: 0, atMs: 0 };

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    /** Before the engine is made writable: whom its commits wait for. Says what went wrong, or null. */
    private readonly prepare: () => Promise<string | null>,
    /** Another main may still go on by this node's word. */
    private readonly bound: () => boolean,
    private readonly finished: () => void,
  ) {}

  get busy(): boolean {
    return this.underWay !== null;
  }

  async look(): Promise<void> {
    this.engine = await this.parts.driver.status();
  }

  /** Starts and promotions that failed or were needed again at this epoch. */
  failuresNow(): number {
    const { epoch, count, atMs } = this.failures;
    const forgiven = this.engine.writable && this.parts.clock.nowMs() - atMs > RESTART_FORGIVEN_MS;
    return epoch === this.keeper.lease?.epoch && !forgiven ? count : 0;
  }

  /** The engine serves, or is on its way in time, or may be started: only then is its lease worth renewing (T10). */
  deservesRenewal(): boolean {
    if (this.engine.writable) return true;
    if (this.underWay === null) return this.failuresNow() === 0;
    return ['promote', 'serve', 'drain'].includes(this.underWay.action) && this.ageMs() < BECOME_MAIN_BOUND_MS;
  }

  async armDeadman(spawnedPid?: number): Promise<void> {
    const { deadman, driver } = this.parts;
    const endsAtMs = this.keeper.promiseEndsAtMs();
    const pid = spawnedPid ?? (await driver.pid());
    if (pid !== null && endsAtMs !== null) deadman.arm(pid, endsAtMs);
  }

  /** True when the goal's state is proven by now. */
  async toward(goal: NodeState): Promise<boolean> {
    if (goal === 'fenced' || goal === 'shunned') return this.stop(goal);
    if (this.underWay !== null) return this.giveWay();
    const action = actionFor(this.state, goal);
    if (action === null) {
      this.parts.log(`no edge from ${this.state} to ${goal}`);
      return false;
    }
    if (this.isDone(action)) {
      this.state = goal;
      return true;
    }
    // What has just failed is not tried again at the pace of an alert.
    if (this.lastFailure?.action === action && this.parts.clock.nowMs() < this.lastFailure.retryAtMs) return false;
    await this.begin(action, goal);
    return this.state === goal && !this.busy;
  }

  private async begin(action: Action, goal: NodeState): Promise<void> {
    const work = { action, sinceMs: this.parts.clock.nowMs(), done: Promise.resolve() };
    this.underWay = work;
    // What may bring the engine up again takes its proof of being stopped with it (T14).
    if (provenStopped.includes(this.state)) this.state = BECOMES_MAIN.includes(action) ? 'promoting' : 'backup';
    work.done = this.perform(action).then((proven) => {
      if (this.underWay !== work) return;
      this.underWay = null;
      const retryAtMs = this.parts.clock.nowMs() + this.parts.config.timings.heartbeatMs;
      this.lastFailure = proven || BECOMES_MAIN.includes(action) ? null : { action, retryAtMs };
      if (!proven) return;
      this.state = goal;
      this.finished();
    });
    await Promise.race([work.done, this.parts.clock.sleep(WITHIN_ROUND_MS)]);
  }

  /** Becoming main that takes too long has failed: the rule that follows decides what then. */
  private giveWay(): false {
    if (this.underWay && this.underWay.action !== 'rejoin' && this.ageMs() >= BECOME_MAIN_BOUND_MS) {
      this.failed(`${this.underWay.action} takes too long`);
      this.underWay = null;
    }
    return false;
  }

  private ageMs(): number {
    return this.underWay === null ? 0 : this.parts.clock.nowMs() - this.underWay.sinceMs;
  }

  private isDone(action: Action): boolean {
    const { lease } = this.keeper;
    if (action === 'serve' || action === 'promote') return this.engine.writable;
    if (action === 'drain')
      return this.state === 'draining' && !this.engine.running && (this.final !== null || !this.needsFinal());
    if (action === 'rejoin') return this.rejoin !== null && this.rejoin.operation === lease?.operation?.id;
    if (lease === null) return true;
    const rightMain = lease.holder === null || this.engine.following === lease.holder;
    return this.state === 'backup' && this.engine.running && rightMain;
  }

  /** Only a hand-over needs to know where the main ended; one that is stopped, however it came to that, can be paused. */
  private needsFinal(): boolean {
    return this.keeper.lease?.drain === 'transfer';
  }

  private async perform(action: Action): Promise<boolean> {
    const { clock, log } = this.parts;
    const startedAtMs = clock.nowMs();
    const problem = await this.actions[action]();
    log(problem === null ? `${action} done` : `${action} failed: ${problem}`, {
      ms: Math.round(clock.nowMs() - startedAtMs),
    });
    return problem === null;
  }

  /** Each answers with null when it has proven what its edge says, else with the problem. */
  private readonly actions: Record<Action, () => Promise<string | null>> = {
    follow: async () => {
      const { deadman, driver, config } = this.parts;
      deadman.disarm();
      this.final = null;
      const holder = config.nodes.find(({ name }) => name === this.keeper.lease?.holder);
      const done = holder ? await driver.follow(holder) : await driver.standBy();
      // A backup that somebody promotes by hand acknowledges nothing that it should not, either.
      return done.ok ? this.prepare() : done.error.message;
    },
    promote: async () => {
      const { driver } = this.parts;
      if (!this.engine.running) {
        const started = await driver.standBy();
        if (!started.ok) return this.failed(started.error.message);
      }
      const unprepared = await this.prepare();
      if (unprepared !== null) return this.failed(unprepared);
      if (!(await this.promised()))
        return 'no promise is held, or another main may still rely on this node’s word: not promoted';
      const done = await driver.promote();
      return done.ok ? null : this.failed(done.error.message);
    },
    serve: async () => {
      const unprepared = await this.prepare();
      if (unprepared !== null) return this.failed(unprepared);
      if (!(await this.promised()))
        return 'no promise is held, or another main may still rely on this node’s word: not started';
      // The promise from before the crash still lets clients in, who would see what only this node has (T31).
      const shut = this.keeper.visible ? null : await this.shutGate();
      if (shut && !shut.ok && shut.error.code !== 'SessionsLeft') return this.failed(shut.error.message);
      // A main that has to be started again has crashed; one that reopens or comes back from a fence has not.
      const crashed = this.state === 'main';
      this.final = null;
      const done = await this.parts.driver.startAsMain((pid) => {
        void this.armDeadman(pid);
        return (this.keeper.promiseLeftMs() ?? 0) > 0;
      });
      if (!done.ok) return this.failed(done.error.message);
      if (crashed) this.failed('the engine had stopped by itself');
      return null;
    },
    drain: async () => {
      const { driver } = this.parts;
      await this.shutGate();
      const done = await driver.drain();
      if (!done.ok && (this.needsFinal() || (await driver.pid()) !== null)) return done.error.message;
      this.final = done.ok ? done.value : null;
      this.parts.deadman.disarm();
      return null;
    },
    fence: async () => ((await this.stop('fenced')) ? null : 'not stopped'),
    rejoin: async () => {
      const { lease } = this.keeper;
      const main = this.parts.config.nodes.find(({ name }) => name === lease?.holder);
      const operation = lease?.operation?.id;
      if (!main || !operation) return 'there is no main to rejoin';
      const done = await this.parts.driver.rejoin(main);
      this.rejoin = done.ok
        ? { operation, outcome: 'done', ...done.value, message: 'rejoined' }
        : { operation, outcome: 'failed', method: null, evidence: null, message: done.error.message };
      return done.ok ? null : done.error.message;
    },
  };

  /** A promise made by a write of this process, still running, with the deadman armed on it. */
  private async promised(): Promise<boolean> {
    await this.armDeadman();
    return (this.keeper.promiseLeftMs() ?? 0) > 0 && !this.bound();
  }

  private failed(message: string): string {
    const count = this.failuresNow() + 1;
    this.failures = { epoch: this.keeper.lease?.epoch ?? 0, count, atMs: this.parts.clock.nowMs() };
    return message;
  }

  /** Taken as stopped only when nothing that was under way can bring the engine up again (T14). */
  private async stop(goal: NodeState): Promise<boolean> {
    const { driver, deadman, clock, config } = this.parts;
    const { underWay } = this;
    await this.stopEngine();
    if (underWay !== null) {
      await Promise.race([underWay.done, clock.sleep(config.timings.engineStopMs)]);
      if (this.underWay === underWay) return false;
      await this.stopEngine();
    }
    await this.look();
    if (this.engine.running || (await driver.pid()) !== null) return false;
    deadman.disarm();
    this.state = goal;
    return true;
  }

  /** The gate shuts before or beside every stop. That it could not is told by its status; the stop does not depend on it. */
  private async shutGate(): ReturnType<Gate['shut']> {
    this.readableAtMs = Number.NEGATIVE_INFINITY;
    const shut = await this.parts.gate.shut();
    if (!shut.ok) this.parts.log(`gate not shut: ${shut.error.message}`);
    return shut;
  }

  /** A backup serves readers: the gate is open for an engine that was seen to be read-only and that nobody is opening. */
  async keepReadable(): Promise<void> {
    const { gate, clock, config, log } = this.parts;
    const { running, writable, received } = this.engine;
    const reads = this.state === 'backup' && !this.busy && running && !writable && received !== null;
    if (!reads || this.keeper.holdsIt || (this.keeper.promiseLeftMs() ?? 0) > 0) {
      this.readableAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    if (clock.nowMs() - this.readableAtMs < config.timings.reportMs) return;
    const opened = await gate.openReadOnly();
    if (opened.ok) this.readableAtMs = clock.nowMs();
    else log(`gate not opened for readers: ${opened.error.message}`);
  }

  private async stopEngine(): Promise<void> {
    const { driver, log } = this.parts;
    if (!this.engine.running && (await driver.pid()) === null) return;
    const shut = this.shutGate();
    const done = await driver.fence();
    await shut;
    log(done.ok ? 'engine stopped by force, verified' : `engine not stopped: ${done.error.message}`);
  }
}
