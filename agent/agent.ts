// The node agent's loop: look at the engine, renew or read the lease, decide, act, report. Level-triggered: every round
// starts from what is, so a lost message, a duplicate or a restart changes nothing. Time that a stuck request takes is
// covered by self-fence.ts and the deadman, never by this loop.

import type { Question, Word } from '../core/failsafe';
import { branchOf } from '../core/lineage';
import type { ProbeResult } from '../core/model';
import { type Decision, decide } from '../core/rules';
import { contenderWaitMs, promiseMs } from '../core/timings';
import { Announcer } from './announcer';
import { EngineWork } from './engine-work';
import { Failsafe } from './failsafe';
import { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';
import { Recorder } from './recorder';
import { Replication } from './replication';
import { Reporter } from './reporter';
import type { Standing } from './rest/standing';
import { startSelfFence } from './self-fence';

/** While a clean stop goes on, between two looks at whether the lease says so, in ms. */
const LEAVING_LOOK_MS = 20;
/** A loop that has not come round for so many ttls is stuck: one round may wait for a slow store and a slow engine. */
const STUCK_ROUNDS = 2;

export class Agent {
  readonly keeper: LeaseKeeper;
  private readonly work: EngineWork;
  private readonly reporter: Reporter;
  private readonly announcer: Announcer;
  private readonly recorder: Recorder;
  private readonly replication: Replication;
  private readonly failsafe: Failsafe;
  private decision: Decision = { rule: '-', goal: 'backup', act: 'none', because: 'starting' };
  private probe: ProbeResult | null = null;
  private probing = false;
  private checkpointed: string | null = null;
  private slotsKeptAtMs = Number.NEGATIVE_INFINITY;
  private leaving = false;
  private handingOver = false;
  /** Ends the wait for a good moment to hand over. */
  private endWait: () => void = () => undefined;
  private stopped = false;
  private cameRoundAtMs: number;
  private poked = false;
  private wake: () => void = () => undefined;

  constructor(private readonly parts: AgentParts) {
    const { store, gate, clock, ids, config, me } = parts;
    this.cameRoundAtMs = clock.nowMs();
    this.keeper = new LeaseKeeper({
      ...{ store, gate, clock, ids },
      visible: () => this.replication.visible,
      cluster: config.name,
      node: me.name,
      timings: config.timings,
    });
    this.recorder = new Recorder(parts.journal, clock, config.timings.heartbeatMs);
    this.work = new EngineWork(
      parts,
      this.keeper,
      () => this.replication.prepare(),
      () => this.failsafe.bound,
      () => this.poke(),
    );
    const record = (kind: 'event', rule: string, because: string) => this.record(kind, rule, because);
    this.failsafe = new Failsafe(parts, this.keeper, {
      poke: () => this.poke(),
      stretched: () => this.work.armDeadman(),
      record,
    });
    this.replication = new Replication(parts, this.keeper, this.work, record);
    this.reporter = new Reporter(parts, this.keeper, this.work, () => this.failsafe.bound);
    this.announcer = new Announcer(parts, this.keeper, record);
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    const { clock, driver, gate, log } = this.parts;
    const selfFence = startSelfFence({ clock, keeper: this.keeper, driver, gate }, (problem) => {
      log('self-fenced at the end of the promise', { problem });
      this.poke();
    });
    void this.failsafe.run();
    while (!this.stopped) {
      const startedAtMs = clock.nowMs();
      await this.round();
      this.cameRoundAtMs = clock.nowMs();
      this.parts.turned?.();
      if (this.handingOver && this.mayHandOver()) this.goNow();
      if (!this.stopped) await this.pause(startedAtMs);
    }
    selfFence.stop();
  }

  /** Asked by a main that has lost the store: this node's word, or why not. */
  answer(question: Question): Word {
    return this.failsafe.answer(question);
  }

  /** What this node is right now, for whoever asks by HTTP: never waits, and is not what the loop last thought it was. */
  standing(): Standing {
    const { config, me, clock } = this.parts;
    const { keeper, work, replication, decision } = this;
    return {
      cluster: config.name,
      me: me.name,
      lease: keeper.lease,
      state: work.state,
      rule: decision.rule,
      because: decision.because,
      engine: work.engine,
      promiseLeftMs: keeper.promiseLeftMs(),
      visible: replication.visible,
      roundAgeMs: clock.nowMs() - this.cameRoundAtMs,
      stuckAfterMs: STUCK_ROUNDS * config.timings.ttlMs,
      silentMs: keeper.silentMs(),
      waitMs: contenderWaitMs({ ...config.timings, ttlMs: keeper.lease?.ttlMs ?? config.timings.ttlMs }),
    };
  }

  /** Somebody asked this node for something: for the journal. */
  note(rule: string, because: string): void {
    this.record('event', rule, because);
  }

  /** "Look at the lease now." */
  poke(): void {
    this.poked = true;
    this.wake();
  }

  /** One round; public for tests that step an agent by hand. */
  async round(): Promise<void> {
    await this.work.look();
    await this.replication.begin();
    const before = this.keeper.lease?.version;
    await this.syncLease();
    if (this.keeper.lease !== null) this.parts.remember?.(this.keeper.lease);
    // What is reported as seen at a version was looked at after it (T28, T53).
    if (this.keeper.lease?.version !== before) await this.work.look();
    await this.decideAndAct();
    await this.work.keepReadable();
    await this.replication.keep();
    this.startProbe();
    this.startCheckpoint();
    await this.reporter.report(this.decision, this.probe, this.isAlert());
    await this.keepSlots();
    if (this.work.state === 'backup') await this.announcer.announce();
  }

  /**
   * Clean stop: the engine first, then the lease says `paused`, so that nobody takes over (T60). Bounded. Calls off a hand-over that
   * has not happened yet: the loop is needed for it.
   */
  async stop(boundMs = 20_000): Promise<void> {
    const { driver, deadman, gate, clock } = this.parts;
    // A loop that has ended writes no pause that could be waited for.
    const endMs = clock.nowMs() + (this.stopped ? 0 : boundMs);
    this.leaving = true;
    this.handingOver = false;
    this.endWait();
    this.poke();
    const serving = () => this.keeper.holdsIt && ['held', 'granted'].includes(this.keeper.lease?.phase ?? '');
    while (serving() && clock.nowMs() < endMs) await clock.sleep(LEAVING_LOOK_MS);
    this.stopped = true;
    this.failsafe.stop();
    this.poke();
    await gate.shut();
    if ((await driver.pid()) !== null && !(await driver.drain()).ok) await driver.fence();
    // An engine that took longer than the bound is stopped by now: that too was a clean stop.
    for (let tries = 0; tries < 3 && serving() && (await driver.pid()) === null; tries++) {
      await this.keeper.change('pause', { pausedBy: 'stop' });
    }
    deadman.disarm();
    while (!this.recorder.isEmpty && clock.nowMs() < endMs) await clock.sleep(LEAVING_LOOK_MS);
    await deadman.stop();
    await gate.stop();
  }

  /**
   * Goes and leaves the engine as it is, for an agent that is started right after this one, as an upgrade does (T65). Deadman and gate
   * keep the promise meanwhile (T6): an agent that does not come costs the main its engine, as any death of an agent does. Waits for
   * a promise that was just renewed and for work that is under way; at the bound it goes all the same. Whether it went: not when it is
   * asked for twice, nor when a stop is asked for before, during or just after the wait. From the good moment on nothing here waits.
   */
  async handOver(boundMs = 20_000): Promise<boolean> {
    const { deadman, gate, clock } = this.parts;
    if (this.leaving || this.handingOver) return false;
    this.handingOver = true;
    const goodMoment = new Promise<void>((resolve) => {
      this.endWait = resolve;
    });
    this.poke();
    await Promise.race([goodMoment, clock.sleep(boundMs)]);
    // The next agent lets be seen what this one did: what is hidden must be shut when it looks (T31).
    if (this.keeper.holdsIt && !this.replication.visible && !this.leaving) await gate.shut();
    if (this.leaving) return false;
    this.goNow();
    this.failsafe.stop();
    await gate.stop();
    await deadman.stop();
    return !this.leaving;
  }

  private goNow(): void {
    this.stopped = true;
    this.endWait();
    this.wake();
  }

  /** Nothing is half done, and a main has as much time before it as it can have. */
  private mayHandOver(): boolean {
    const { keeper, work, parts } = this;
    if (
      work.busy ||
      !this.recorder.isEmpty ||
      keeper.lastProblem !== null ||
      keeper.lease === null ||
      keeper.lease.operation !== null ||
      keeper.lease.drain !== null
    )
      return false;
    if (!keeper.holdsIt || keeper.lease.phase !== 'held') return true;
    // Clients must not see yet what the next agent would let them see (T31).
    if (!this.replication.visible) return false;
    const { timings } = parts.config;
    return (keeper.promiseLeftMs() ?? 0) > promiseMs(timings) - timings.heartbeatMs / 2;
  }

  // ---- lease

  private async syncLease(): Promise<void> {
    if (await this.renewed()) return;
    await this.keeper.read();
    // What was just read may be a grant to me: my promise begins now, not a heartbeat later.
    await this.renewed();
  }

  private async renewed(): Promise<boolean> {
    const { keeper } = this;
    const how = this.renewal();
    const becameMain = how === 'renew' && keeper.lease?.phase === 'granted';
    if (how === null || !(keeper.renewalIsDue() || becameMain)) return false;
    const written = await keeper.renew(how, becameMain ? branchOf(this.work.engine) : null);
    await this.work.armDeadman();
    return written === 'written';
  }

  /** Which renewal this node is entitled to now; a drained or dead engine is not kept in office. */
  private renewal(): 'renew' | 'accept' | null {
    const { lease } = this.keeper;
    if (!this.keeper.holdsIt || lease === null || lease.drain === 'transfer') return null;
    if (lease.phase === 'granted') return this.work.engine.writable ? 'renew' : 'accept';
    return lease.phase === 'held' && this.work.deservesRenewal() ? 'renew' : null;
  }

  // ---- decide and act

  private async decideAndAct(): Promise<void> {
    const { keeper, work, parts } = this;
    const decision = decide({
      me: parts.me.name,
      lease: keeper.lease,
      promiseLeftMs: keeper.promiseLeftMs(),
      engine: work.engine,
      state: work.state,
      restarts: work.failuresNow(),
      leaving: this.leaving,
    });
    if (decision.rule !== this.decision.rule) {
      parts.log(`${decision.rule}: ${decision.because}`, { goal: decision.goal, epoch: keeper.lease?.epoch });
      this.record('decision', decision.rule, decision.because);
    }
    this.decision = decision;
    if (decision.act === 'resume') {
      await keeper.change('resume', {});
      return this.poke();
    }
    const proven = await work.toward(decision.goal);
    if (proven && decision.act === 'pause')
      await keeper.change('pause', { pausedBy: this.leaving ? 'stop' : 'operator' });
    if (proven && decision.act === 'abdicate') await this.abdicate();
  }

  /** Only after the engine was seen stopped: the sentence is the fence proof of the failover that follows. */
  private async abdicate(): Promise<void> {
    const node = this.parts.me.name;
    const epoch = this.keeper.lease?.epoch ?? 0;
    const evidence = `${node} says: engine down for good, stopped and verified (${this.work.engine.problem ?? 'no detail'})`;
    const written = await this.keeper.change('abdicate', { proof: { node, epoch, how: 'demote-ack', evidence } });
    if (written === 'written') await this.announcer.engineDown();
  }

  private record(kind: 'decision' | 'event', rule: string, because: string): void {
    const { config, clock, me } = this.parts;
    const { lease } = this.keeper;
    this.recorder.add({
      cluster: config.name,
      at: clock.wall(),
      kind,
      actor: `agent:${me.name}`,
      epoch: lease?.epoch ?? 0,
      operation: lease?.operation?.id ?? null,
      rule,
      because,
    });
  }

  // ---- side jobs

  private startProbe(): void {
    const { driver, config } = this.parts;
    const epoch = this.keeper.lease?.operation?.probeEpoch;
    if (epoch === undefined || this.probing || (this.probe?.epoch === epoch && this.probe.accepted)) return;
    this.probing = true;
    void driver.probe(config.vip.host, config.vip.port, epoch).then((result) => {
      this.probe = result;
      this.probing = false;
      if (result.accepted) this.poke();
    });
  }

  /** A hand-over is coming: what is written to the disk now need not be written while nobody can write. */
  private startCheckpoint(): void {
    const { operation, drain } = this.keeper.lease ?? {};
    if (operation?.kind !== 'switchover' || drain || this.work.state !== 'main') return;
    if (this.checkpointed === operation.id) return;
    this.checkpointed = operation.id;
    void this.parts.driver.checkpoint();
  }

  private async keepSlots(): Promise<void> {
    const { driver, clock, config, me } = this.parts;
    if (this.work.state !== 'main' || clock.nowMs() - this.slotsKeptAtMs < config.timings.reportMs) return;
    this.slotsKeptAtMs = clock.nowMs();
    await driver.keepSlots(config.nodes.map(({ name }) => name).filter((name) => name !== me.name));
  }

  // ---- cadence

  /** Ten times as often while somebody waits for this node, or a renewal is overdue. */
  private isAlert(): boolean {
    const { keeper, work } = this;
    const { lease } = keeper;
    if (lease === null) return false;
    const silent =
      !keeper.holdsIt && lease.phase === 'held' && keeper.silentMs() > 2 * this.parts.config.timings.heartbeatMs;
    const waitedFor = lease.operation !== null || lease.drain !== null;
    const unsettled = ['granted', 'claimed', 'abdicated'].includes(lease.phase);
    return (
      silent ||
      waitedFor ||
      this.replication.unsettled ||
      unsettled ||
      work.busy ||
      (this.renewal() !== null && keeper.renewalIsDue())
    );
  }

  private async pause(startedAtMs: number): Promise<void> {
    const { clock, config } = this.parts;
    const everyMs = this.isAlert() ? config.timings.alertMs : config.timings.heartbeatMs;
    const leftMs = Math.max(0, everyMs - (clock.nowMs() - startedAtMs));
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    // A poke during the round counts: what it announced may have come after the lease was read.
    if (!this.poked) await Promise.race([woken, clock.sleep(leftMs)]);
    this.poked = false;
  }
}
