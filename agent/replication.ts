// The holder's side of synchronous replication: once a round it asks core/replication.ts what to do and does that one thing. It
// also keeps a main hidden that has just become writable until everybody it waits for has what it has: what a crash has left
// waiting is visible here, and would be lost with this node (T31).

import type { NodeName } from '../core/model';
import { decideReplication, type Follower, waitedAtFirst } from '../core/replication';
import { noticeSections } from '../core/runbook';
import type { EngineWork } from './engine-work';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

/** A backup that is so many heartbeats late does not keep up. */
const LATE_HEARTBEATS = 2;

/** Whom the engine waits for, and the first position that was surely reached while it did. */
interface Wait {
  nodes: readonly NodeName[];
  sinceMs: number;
  /** The engine was told to wait for the first time, which takes a process of its own some time to hear. */
  fromNone: boolean;
  fromBytes: number | null;
}

export class Replication {
  private wait: Wait | null = null;
  /** What a backup's engine would wait for if it became writable; null when it was not told since it became a backup. */
  private readyFor: readonly NodeName[] | null = null;
  private hiddenBelow: number | 'unknown' | null;
  /** Whether the agent before this one had let clients in; null until the gate was asked. */
  private seenBefore: boolean | null = null;
  private sample = { atMs: Number.NEGATIVE_INFINITY, bytes: 0 };
  private readonly wellAtMs = new Map<NodeName, number>();

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    private readonly work: Pick<EngineWork, 'engine' | 'state'>,
    private readonly record: (kind: 'event', rule: string, because: string) => void,
  ) {
    this.hiddenBelow = this.isAsync ? null : 'unknown';
  }

  private get isAsync(): boolean {
    return this.parts.config.replication.mode === 'async';
  }

  /** Clients may be let in: everybody who is waited for has what they would see. */
  get visible(): boolean {
    return this.hiddenBelow === null;
  }

  /** A change is under way: the next round must come soon. */
  get unsettled(): boolean {
    const joining = this.wait?.nodes.some((node) => !this.recorded.includes(node)) ?? false;
    return this.work.state === 'main' && !this.isAsync && (joining || !this.visible);
  }

  private get recorded(): readonly NodeName[] {
    return this.keeper.lease?.synced ?? [];
  }

  /**
   * Everybody who could become main, those who have not just been one first. Who is barred by a person comes last: a copy that may not
   * take over is better than none.
   */
  private candidates(): NodeName[] {
    const { config, me } = this.parts;
    const { shunned = {}, barred = {}, former } = this.keeper.lease ?? {};
    const free = config.nodes.filter(({ name, priority }) => name !== me.name && priority > 0 && !shunned[name]);
    const lateness = (name: NodeName): number => (barred[name] ? 2 : Number(name === former));
    return free.map(({ name }) => name).sort((a, b) => lateness(a) - lateness(b));
  }

  private others(): NodeName[] {
    const { config, me } = this.parts;
    const candidates = this.candidates();
    const rest = config.nodes.map(({ name }) => name).filter((name) => name !== me.name && !candidates.includes(name));
    return [...candidates, ...rest];
  }

  /**
   * Before the first renewal. What a former agent hid stays hidden: clients were let in only if the kernel counts a promise that was
   * confirmed. Where there is no gate nobody can tell, so it is taken for hidden; there that shuts nobody out, and is only what is
   * said to load balancers until the backups have what this main has (T31).
   */
  async begin(): Promise<void> {
    if (this.isAsync || this.seenBefore !== null) return;
    this.seenBefore = (await this.parts.gate.status()).state === 'promise';
    if (this.seenBefore) this.hiddenBelow = null;
  }

  /** Before the engine is made writable: its first commit already waits for whom it should. Says what went wrong, or null. */
  async prepare(): Promise<string | null> {
    const told = await this.tellAtFirst();
    if (typeof told === 'string') return told;
    this.took(told, false);
    return null;
  }

  /** Whom the first commit waits for, or why the engine could not be told. */
  private async tellAtFirst(): Promise<readonly NodeName[] | string> {
    const nodes = this.atFirst();
    const told = await this.parts.driver.waitFor(nodes);
    if (!told.ok) return told.error.message;
    this.readyFor = nodes;
    this.hiddenBelow = nodes.length > 0 ? 'unknown' : null;
    return nodes;
  }

  private atFirst(): readonly NodeName[] {
    const recorded = this.recorded.filter((node) => node !== this.parts.me.name);
    return waitedAtFirst(this.parts.config.replication, recorded, this.others());
  }

  /** One round. */
  async keep(): Promise<void> {
    const { driver, clock, config } = this.parts;
    if (this.work.state === 'backup') return this.standReady();
    this.readyFor = null;
    const { received, writable } = this.work.engine;
    if (this.work.state !== 'main' || !writable || received === null || this.keeper.lease?.phase !== 'held') return;
    if (this.wait === null && (await this.prepareAgain()) !== null) return;
    if (this.isAsync) return this.forget();
    const followers = await driver.followers();
    this.look(followers, received.bytes);
    const nowMs = clock.nowMs();
    const lateMs = LATE_HEARTBEATS * config.timings.heartbeatMs;
    const decision = decideReplication({
      config: config.replication,
      candidates: this.candidates(),
      others: this.others(),
      recorded: this.recorded,
      waited: this.wait?.nodes ?? [],
      complete: followers.filter((follower) => this.isComplete(follower)).map(({ node }) => node),
      well: this.countedWell(
        followers
          .map(({ node }) => node)
          .filter((node) => nowMs - (this.wellAtMs.get(node) ?? Number.NEGATIVE_INFINITY) <= lateMs),
      ),
    });
    if (decision.act === 'wait') await this.change(decision.nodes);
    if (decision.act === 'record') await this.write(decision.rule, decision.nodes, decision.because);
  }

  /** A backup that somebody promotes by hand waits from its first commit on, too: told while it is read-only, where it changes nothing (T17). */
  private async standReady(): Promise<void> {
    if (this.isAsync || !this.work.engine.running) return;
    if (this.atFirst().join() !== this.readyFor?.join()) await this.tellAtFirst();
  }

  /** An agent that was started anew does not hide a main that was let be seen before. */
  private async prepareAgain(): Promise<string | null> {
    const problem = await this.prepare();
    if (this.seenBefore) this.hiddenBelow = null;
    return problem;
  }

  /** async, and the lease still names backups of another time. */
  private async forget(): Promise<void> {
    if (this.recorded.length > 0)
      await this.write('S60', [], 'replication is asynchronous: nothing is promised of backups');
  }

  private took(nodes: readonly NodeName[], fromNone: boolean): void {
    this.wait = { nodes, sinceMs: this.parts.clock.nowMs(), fromNone, fromBytes: null };
  }

  private async change(nodes: NodeName[]): Promise<void> {
    const { driver, log } = this.parts;
    const fromNone = this.wait === null || this.wait.nodes.length === 0;
    const told = await driver.waitFor(nodes);
    if (told.ok) this.took(nodes, fromNone);
    log(told.ok ? `S40: commits wait for ${nodes.join(', ') || 'nobody'}` : `S40 failed: ${told.error.message}`);
  }

  private async write(rule: string, synced: NodeName[], because: string): Promise<void> {
    const sentence = `${synced.join(', ') || 'nobody'} has every acknowledged commit: ${because}`;
    if ((await this.keeper.change('record', { synced })) !== 'written') return;
    this.parts.log(`${rule}: ${sentence}`);
    this.record('event', rule, sentence);
    if (rule === 'S30') await this.alarm(sentence);
  }

  private async alarm(because: string): Promise<void> {
    const { events, config, me, log } = this.parts;
    const detail = {
      what: 'ReplicationDegraded',
      node: me.name,
      epoch: this.keeper.lease?.epoch ?? 0,
      because,
      next: `mend the backup that commits no longer wait for: mainstay status ${config.name}`,
      section: noticeSections.replication,
    };
    const told = await events.publish({ type: 'Attention Needed', cluster: config.name, detail });
    if (!told.ok) log(`the alarm could not be raised: ${told.error.message}`);
  }

  /**
   * Where everybody on record is barred by a person, nobody could take over: they are not counted as long as somebody is there who
   * could, and who joins them by that.
   */
  private countedWell(well: NodeName[]): NodeName[] {
    const { barred = {} } = this.keeper.lease ?? {};
    const couldJoin = this.candidates().some((node) => !barred[node] && well.includes(node));
    return couldJoin && this.recorded.every((node) => barred[node]) ? well.filter((node) => !barred[node]) : well;
  }

  private look(followers: readonly Follower[], mainBytes: number): void {
    const { clock, config } = this.parts;
    const nowMs = clock.nowMs();
    const { wait, sample } = this;
    for (const { node, streaming, flushedBytes } of followers)
      if (streaming && flushedBytes >= sample.bytes) this.wellAtMs.set(node, nowMs);
    if (nowMs - sample.atMs >= config.timings.heartbeatMs) this.sample = { atMs: nowMs, bytes: mainBytes };
    if (wait !== null && wait.fromBytes === null) {
      const settleMs = wait.fromNone ? config.timings.heartbeatMs : config.timings.alertMs;
      if (nowMs - wait.sinceMs >= settleMs) wait.fromBytes = mainBytes;
    }
    if (this.hiddenBelow === 'unknown') this.hiddenBelow = mainBytes;
    const { hiddenBelow } = this;
    if (hiddenBelow === null) return;
    const has = (node: NodeName) =>
      followers.some(
        (follower) => follower.node === node && follower.streaming && follower.flushedBytes >= hiddenBelow,
      );
    if (wait?.nodes.every(has)) this.hiddenBelow = null;
  }

  private isComplete({ streaming, flushedBytes }: Follower): boolean {
    const fromBytes = this.wait?.fromBytes ?? null;
    return streaming && fromBytes !== null && flushedBytes >= fromBytes;
  }
}
