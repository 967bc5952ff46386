// The node agent's loop: look at the engine, renew or read the lease, decide, act, report. Level-triggered: every round
// starts from what is, so a lost message, a duplicate or a restart changes nothing. Long actions run beside the loop; a
// goal to stop never waits for them. The engine becomes writable only under a promise with the deadman armed.

import type {
  ClusterConfig,
  EngineStatus,
  NodeConfig,
  NodeState,
  Position,
  ProbeResult,
  RejoinResult,
  Report,
} from '../core/model';
import type { Clock, Deadman, EngineDriver, Events, Ids, Journal, LeaseStore, Reports } from '../core/ports';
import { type Decision, decide } from '../core/rules';
import { contenderWaitMs } from '../core/timings';
import { type Action, actionFor } from './edges';
import { LeaseKeeper } from './lease-keeper';
import { type SelfFence, startSelfFence } from './self-fence';

export interface AgentParts {
  config: ClusterConfig;
  me: NodeConfig;
  store: LeaseStore;
  reports: Reports;
  events: Events;
  journal: Journal;
  driver: EngineDriver;
  deadman: Deadman;
  clock: Clock;
  ids: Ids;
  version: string;
  log: (message: string, details?: Record<string, unknown>) => void;
}

/** A start or promotion that takes longer than this counts as failed: a stuck one must not keep its lease (T10). */
const BECOME_MAIN_BOUND_MS = 30_000;
/** An engine that has served this long after a restart has earned another one. */
const RESTART_FORGIVEN_MS = 60_000;
/** How often the same failure is announced: events may be lost, dispatch makes duplicates harmless (T49). */
const ANNOUNCE_EVERY_MS = 1000;
/** After this long an announcement gets a new attempt number, so that an execution that ended without effect is followed by another. */
const ANNOUNCE_ATTEMPT_MS = 30_000;

export class Agent {
  readonly keeper: LeaseKeeper;
  private readonly boot: string;
  private selfFence: SelfFence | null = null;
  private state: NodeState = 'backup';
  private decision: Decision = { rule: '-', goal: 'backup', act: 'none', because: 'starting' };
  private acting: { action: Action; sinceMs: number; done: Promise<void> } | null = null;
  private engine: EngineStatus = unknownEngine;
  private restarts = { epoch: 0, count: 0, atMs: 0 };
  private final: Position | null = null;
  private probe: ProbeResult | null = null;
  private probing = false;
  private rejoin: RejoinResult | null = null;
  private seq = 0;
  private reported = { key: '', atMs: Number.NEGATIVE_INFINITY };
  private announcedAtMs = Number.NEGATIVE_INFINITY;
  private announced = '';
  private slotsKeptAtMs = Number.NEGATIVE_INFINITY;
  private leaving = false;
  private stopped = false;
  private poked = false;
  private wake: () => void = () => undefined;

  constructor(private readonly parts: AgentParts) {
    const { store, clock, ids, config, me } = parts;
    this.boot = ids.next();
    this.keeper = new LeaseKeeper({ store, clock, ids, cluster: config.name, node: me.name, timings: config.timings });
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    const { clock, driver } = this.parts;
    this.selfFence = startSelfFence({ clock, keeper: this.keeper, driver }, (problem) => {
      this.parts.log('self-fenced at the end of the promise', { problem });
      this.poke();
    });
    while (!this.stopped) {
      const startedAtMs = clock.nowMs();
      await this.round();
      if (!this.stopped) await this.pause(startedAtMs);
    }
    this.selfFence.stop();
  }

  /** "Look at the lease now." */
  poke(): void {
    this.poked = true;
    this.wake();
  }

  /** One round; public for tests that step an agent by hand. */
  async round(): Promise<void> {
    this.engine = await this.parts.driver.status();
    await this.syncLease();
    await this.decideAndAct();
    await this.report();
    await this.announce();
  }

  /** Clean stop: the engine first, then the lease says `paused`, so that nobody takes over (T60). Bounded. */
  async stop(boundMs = 20_000): Promise<void> {
    const { driver, deadman, clock } = this.parts;
    const startedAtMs = clock.nowMs();
    this.leaving = true;
    this.poke();
    const serving = () => this.keeper.holdsIt && ['held', 'granted'].includes(this.keeper.lease?.phase ?? '');
    while (serving() && clock.nowMs() - startedAtMs < boundMs) await clock.sleep(20);
    this.stopped = true;
    this.poke();
    if ((await driver.pid()) !== null && !(await driver.drain()).ok) await driver.fence();
    deadman.disarm();
    await deadman.stop();
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
    const written = await keeper.renew(how);
    await this.armDeadman();
    return written === 'written';
  }

  /** Which renewal this node is entitled to now; none for an engine that neither serves nor is on its way (T10). */
  private renewal(): 'renew' | 'accept' | null {
    const { lease } = this.keeper;
    if (!this.keeper.holdsIt || lease === null || lease.drain === 'transfer') return null;
    if (lease.phase === 'granted') return this.engine.writable ? 'renew' : 'accept';
    if (lease.phase !== 'held') return null;
    const onItsWay = this.acting !== null && ['promote', 'serve', 'drain'].includes(this.acting.action);
    const inTime = onItsWay && this.actingMs() < BECOME_MAIN_BOUND_MS;
    return this.engine.writable || inTime || this.mayRestart() ? 'renew' : null;
  }

  private mayRestart(): boolean {
    return this.acting === null && this.restartsNow() === 0;
  }

  private async armDeadman(spawnedPid?: number): Promise<void> {
    const { deadman, driver } = this.parts;
    const endsAtMs = this.keeper.promiseEndsAtMs();
    const pid = spawnedPid ?? (await driver.pid());
    if (pid !== null && endsAtMs !== null) deadman.arm(pid, endsAtMs);
  }

  // ---- decide and act

  private async decideAndAct(): Promise<void> {
    const { me, log } = this.parts;
    const { keeper } = this;
    const decision = decide({
      me: me.name,
      lease: keeper.lease,
      promiseLeftMs: keeper.promiseLeftMs(),
      engine: this.engine,
      state: this.state,
      restarts: this.restartsNow(),
      leaving: this.leaving,
    });
    if (decision.rule !== this.decision.rule) {
      log(`${decision.rule}: ${decision.because}`, { goal: decision.goal, epoch: keeper.lease?.epoch });
      this.record('decision', decision.rule, decision.because);
    }
    this.decision = decision;
    await this.act(decision);
  }

  /** Best effort and beside the loop: the journal must never delay a decision. */
  private record(kind: 'decision' | 'event', rule: string, because: string): void {
    const { journal, config, clock, me } = this.parts;
    const { lease } = this.keeper;
    void journal.append({
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

  private async act({ goal, act }: Decision): Promise<void> {
    if (goal === 'fenced' || goal === 'shunned') {
      await this.fence(goal);
      if (act === 'abdicate' && !this.engine.running) await this.abdicate();
      return;
    }
    if (this.acting !== null) return this.giveWay();
    if (act === 'resume') {
      await this.keeper.change('resume', {});
      return this.poke();
    }
    const action = actionFor(this.state, goal);
    if (action === null) return this.parts.log(`no edge from ${this.state} to ${goal}`);
    await this.begin(action, goal, act === 'pause');
  }

  /** Becoming main that takes too long has failed: the rule that follows decides what then. */
  private giveWay(): void {
    if (this.acting === null || this.acting.action === 'rejoin' || this.actingMs() < BECOME_MAIN_BOUND_MS) return;
    this.countFailure(`${this.acting.action} takes too long`);
    this.acting = null;
  }

  /** Short actions finish within the round; what takes longer goes on beside it. */
  private async begin(action: Action, goal: NodeState, thenPause: boolean): Promise<void> {
    const { clock } = this.parts;
    if (this.isDone(action)) {
      this.state = goal;
      if (thenPause) await this.keeper.change('pause', { pausedBy: this.leaving ? 'stop' : 'operator' });
      return;
    }
    const acting = { action, sinceMs: clock.nowMs(), done: Promise.resolve() };
    this.acting = acting;
    acting.done = this.perform(action).then((proven) => {
      if (this.acting !== acting) return;
      this.acting = null;
      if (!proven) return;
      this.state = goal;
      this.poke();
    });
    await Promise.race([acting.done, clock.sleep(20)]);
  }

  private isDone(action: Action): boolean {
    const { lease } = this.keeper;
    if (action === 'serve' || action === 'promote') return this.engine.writable;
    if (action === 'drain') return this.state === 'draining' && !this.engine.running && this.final !== null;
    if (action === 'rejoin') return this.rejoin !== null && this.rejoin.operation === lease?.operation?.id;
    if (action !== 'follow') return false;
    if (lease === null) return true;
    return (
      this.state === 'backup' &&
      this.engine.running &&
      (lease.holder === null || this.engine.following === lease.holder)
    );
  }

  private async perform(action: Action): Promise<boolean> {
    const { log } = this.parts;
    const startedAtMs = this.parts.clock.nowMs();
    const problem = await this.actions[action]();
    const ms = Math.round(this.parts.clock.nowMs() - startedAtMs);
    log(problem === null ? `${action} done` : `${action} failed: ${problem}`, { ms });
    return problem === null;
  }

  /** Each answers with null when it has proven what its edge says, else with the problem. */
  private readonly actions: Record<Action, () => Promise<string | null>> = {
    follow: async () => {
      this.parts.deadman.disarm();
      const holder = this.parts.config.nodes.find(({ name }) => name === this.keeper.lease?.holder);
      const done = holder ? await this.parts.driver.follow(holder) : await this.parts.driver.standBy();
      this.final = null;
      return done.ok ? null : done.error.message;
    },
    promote: async () => {
      const { driver } = this.parts;
      if (!this.engine.running) {
        const started = await driver.standBy();
        if (!started.ok) return this.countFailure(started.error.message);
      }
      if (!(await this.promised())) return 'no promise is held: not promoted';
      const done = await driver.promote();
      return done.ok ? null : this.countFailure(done.error.message);
    },
    serve: async () => {
      const { driver, clock } = this.parts;
      if (!(await this.promised())) return 'no promise is held: not started';
      if (this.state === 'main')
        this.restarts = { epoch: this.keeper.lease?.epoch ?? 0, count: 1, atMs: clock.nowMs() };
      const done = await driver.startAsMain((pid) => void this.armDeadman(pid));
      return done.ok ? null : this.countFailure(done.error.message);
    },
    drain: async () => {
      const done = await this.parts.driver.drain();
      if (!done.ok) return done.error.message;
      this.final = done.value;
      this.parts.deadman.disarm();
      return null;
    },
    fence: async () => {
      const done = await this.parts.driver.fence();
      return done.ok ? null : done.error.message;
    },
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

  /** A promise made by a write of this process, still running, with the deadman armed on it (T5). */
  private async promised(): Promise<boolean> {
    await this.armDeadman();
    return (this.keeper.promiseLeftMs() ?? 0) > 0;
  }

  private countFailure(message: string): string {
    this.restarts = {
      epoch: this.keeper.lease?.epoch ?? 0,
      count: this.restartsNow() + 1,
      atMs: this.parts.clock.nowMs(),
    };
    return message;
  }

  private restartsNow(): number {
    const { epoch, count, atMs } = this.restarts;
    const forgiven = this.engine.writable && this.parts.clock.nowMs() - atMs > RESTART_FORGIVEN_MS;
    return epoch === this.keeper.lease?.epoch && !forgiven ? count : 0;
  }

  /** Taken as fenced only when nothing that was under way can bring the engine up again (T14). */
  private async fence(goal: NodeState): Promise<void> {
    const { driver, deadman, clock, config } = this.parts;
    const underWay = this.acting;
    await this.stopEngine();
    if (underWay !== null) {
      await Promise.race([underWay.done, clock.sleep(config.timings.engineStopMs)]);
      if (this.acting === underWay) return;
      await this.stopEngine();
    }
    this.engine = await driver.status();
    if (this.engine.running || (await driver.pid()) !== null) return;
    deadman.disarm();
    this.state = goal;
  }

  private async stopEngine(): Promise<void> {
    const { driver, log } = this.parts;
    if (!this.engine.running && (await driver.pid()) === null) return;
    const done = await driver.fence();
    log(done.ok ? 'engine stopped by force, verified' : `engine not stopped: ${done.error.message}`);
  }

  private async abdicate(): Promise<void> {
    const { me, events, config } = this.parts;
    const epoch = this.keeper.lease?.epoch ?? 0;
    const evidence = `${me.name} says: engine down for good, stopped and verified (${this.engine.problem ?? 'no detail'})`;
    const written = await this.keeper.change('abdicate', {
      proof: { node: me.name, epoch, how: 'demote-ack', evidence },
    });
    if (written !== 'written') return;
    const renewals = this.keeper.lease?.renewals ?? 0;
    await events.publish({
      type: 'Engine Down',
      cluster: config.name,
      detail: { epoch, renewals, silentMs: 0, seenBy: me.name, attempt: 0 },
    });
  }

  private actingMs(): number {
    return this.acting === null ? 0 : this.parts.clock.nowMs() - this.acting.sinceMs;
  }

  // ---- report, announce, probe

  private async report(): Promise<void> {
    this.startProbe();
    const { clock, config, me, reports, deadman, ids, version } = this.parts;
    const { lease } = this.keeper;
    const report: Report = {
      cluster: config.name,
      node: me.name,
      boot: this.boot,
      seq: this.seq,
      seen: { epoch: lease?.epoch ?? 0, version: lease?.version ?? 0 },
      state: this.state,
      rule: this.decision.rule,
      because: this.decision.because,
      engine: this.engine,
      deadman: deadman.status(),
      final: this.final,
      probe: this.probe,
      rejoin: this.rejoin,
      agentVersion: version,
      at: clock.wall(),
    };
    const key = this.changeKey(report);
    if (key === this.reported.key && clock.nowMs() - this.reported.atMs < config.timings.reportMs) return;
    this.seq += 1;
    const put = await reports.put({ ...report, seq: this.seq });
    // What could not be written is due again at once.
    this.reported = put.ok ? { key, atMs: clock.nowMs() } : { key: ids.next(), atMs: Number.NEGATIVE_INFINITY };
    await this.keepSlots();
  }

  /** What must be told at once; positions alone are not, unless an operation waits for them. */
  private changeKey({ seen, state, rule, engine, deadman, final, probe, rejoin }: Report): string {
    const { running, writable, streaming, following, problem } = engine;
    const operating = this.isAlert() ? [seen.version, engine.received?.bytes] : [];
    return JSON.stringify([
      seen.epoch,
      state,
      rule,
      running,
      writable,
      streaming,
      following,
      problem,
      deadman,
      final,
      probe,
      rejoin,
      ...operating,
    ]);
  }

  private async keepSlots(): Promise<void> {
    const { driver, clock, config, me } = this.parts;
    if (this.state !== 'main' || clock.nowMs() - this.slotsKeptAtMs < config.timings.reportMs) return;
    this.slotsKeptAtMs = clock.nowMs();
    await driver.keepSlots(config.nodes.map(({ name }) => name).filter((name) => name !== me.name));
  }

  private startProbe(): void {
    const { driver, config } = this.parts;
    const epoch = this.keeper.lease?.operation?.probeEpoch;
    if (epoch === undefined || this.probing || (this.probe?.epoch === epoch && this.probe.accepted)) return;
    this.probing = true;
    void driver.probe(config.vip.host, config.vip.port, epoch).then((result) => {
      this.probe = result;
      this.probing = false;
      this.poke();
    });
  }

  /** A contender that has watched a full ttl of silence says so, again and again until the lease moves (L3). */
  private async announce(): Promise<void> {
    const { events, config, me, clock } = this.parts;
    const { keeper, state } = this;
    const { lease } = keeper;
    if (lease === null || keeper.holdsIt || state !== 'backup') return;
    const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
    const silent = ['held', 'granted', 'claimed'].includes(lease.phase) && keeper.silentMs() >= waitMs;
    if (!silent && lease.phase !== 'abdicated') return;
    if (clock.nowMs() - this.announcedAtMs < ANNOUNCE_EVERY_MS) return;
    const first = this.announced !== `${lease.epoch}/${lease.renewals}`;
    this.announcedAtMs = clock.nowMs();
    const silentMs = Math.round(keeper.silentMs());
    const attempt = Math.floor(Math.max(0, silentMs - waitMs) / ANNOUNCE_ATTEMPT_MS);
    const { epoch, renewals } = lease;
    const told = await events.publish({
      type: 'Lease Expired',
      cluster: config.name,
      detail: { epoch, renewals, silentMs, seenBy: me.name, attempt },
    });
    this.announced = `${epoch}/${renewals}`;
    if (first)
      this.record(
        'event',
        'Lease Expired',
        `lease expired: ${lease.holder ?? 'nobody'} silent for ${silentMs} ms, seen by ${me.name}`,
      );
    this.parts.log(told.ok ? 'lease expired: announced' : `lease expired, not announced: ${told.error.message}`, {
      epoch,
      silentMs,
    });
  }

  // ---- cadence

  /** Ten times as often while somebody waits for this node, or the main is overdue. */
  private isAlert(): boolean {
    const { lease } = this.keeper;
    if (lease === null) return false;
    const overdue =
      !this.keeper.holdsIt &&
      lease.phase === 'held' &&
      this.keeper.silentMs() > 2 * this.parts.config.timings.heartbeatMs;
    return (
      (this.renewal() !== null && this.keeper.renewalIsDue()) ||
      lease.operation !== null ||
      lease.drain !== null ||
      ['granted', 'claimed', 'abdicated'].includes(lease.phase) ||
      this.acting !== null ||
      overdue
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

const unknownEngine: EngineStatus = {
  running: false,
  writable: false,
  received: null,
  applied: null,
  following: null,
  streaming: false,
  dataId: null,
  forkedAt: null,
  problem: 'not looked at yet',
};
