// The PostgreSQL driver: EngineDriver over one cluster's data directory. Says what it proved, never what it asked for.
// `fence`, `status`, `pid` and `probe` may be called at any time; of the other actions one at a time (the agent's loop).

import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineStatus, NodeConfig, NodeName, Position, ProbeResult, RejoinMethod } from '../../../core/model';
import type { Driven, EngineDriver } from '../../../core/ports';
import type { Follower } from '../../../core/replication';
import { fail, ok, type Result } from '../../../core/result';
import { writeWhole } from '../../files';
import { judgeAncestry } from './ancestry';
import { type BackupProblem, type BackupRequest, ensureBackup } from './archive/backup';
import { inherit, permit, withdraw } from './archive/permit';
import { type Backup, backupsOf } from './archive/repository';
import { type ArchiveStatus, readArchiveStatus } from './archive/status';
import { reserveTimelines } from './archive/timelines';
import { isBackupData } from './control-data';
import { Engine } from './engine';
import { followersOf, waitFor } from './followers';
import { adoptHistories } from './histories';
import { type PostgresOptions, type Settled, settle } from './options';
import { probeWrite } from './probe';
import { attempted, problem } from './problems';
import { signal } from './processes';
import { Rejoin } from './rejoin';
import { configuredMain } from './settings';
import { keepSlots } from './slots';
import { localAncestry, StatusReader } from './status';
import { ensureOwnSlot } from './upstream';

const POLL_MS = 5;
/** A follower without a stream judges its main's history again after this. */
const JUDGE_AGAIN_MS = 1_000;

/** Beside the port: the archive of an engine that has one. */
export interface Archiving {
  /** Null: this node has no archive. */
  archiveStatus(): Promise<ArchiveStatus | null>;
  /** In the repository, of this data set, oldest first. */
  backups(): Promise<Result<Backup[], string>>;
  /** A base backup that is newer than the one named; see BackupRequest. */
  ensureBackup(request: BackupRequest): Promise<Result<Backup, BackupProblem>>;
}

class PostgresDriver implements EngineDriver, Archiving {
  private readonly options: Settled;
  private readonly engine: Engine;
  private readonly reader: StatusReader;
  private judged: { main: NodeName; atMs: number } | null = null;

  constructor(options: PostgresOptions) {
    this.options = settle(options);
    this.engine = new Engine(this.options);
    this.reader = new StatusReader(this.options, this.engine);
  }

  status = () => this.reader.read();

  async pid(): Promise<number | null> {
    return this.engine.pid();
  }

  standBy = (): Driven => attempted('NotStarted', () => this.doStandBy());
  follow = (main: NodeConfig): Driven => attempted('NotStarted', () => this.doFollow(main));
  startAsMain = (spawned: (pid: number) => boolean): Driven =>
    attempted('NotStarted', () => this.doStartAsMain(this.engine.fences, spawned));
  drain = (): Driven<Position> => attempted('NotStopped', () => this.doDrain());

  promote(): Driven {
    const { fences } = this.engine;
    return attempted('NotPromoted', () => this.promoteUnless(fences));
  }

  fence(): Driven {
    this.engine.fences += 1;
    withdraw(this.options);
    return attempted('NotStopped', () => this.engine.kill());
  }

  private async doStandBy(): Driven {
    const judged = await this.engine.judgeData();
    if (!judged.ok) return judged;
    const now = await this.reader.read();
    const suspect = await this.mayWrite(now);
    if (now.running && !suspect) return this.readable();
    if (suspect) {
      const stopped = await this.engine.kill();
      if (!stopped.ok) return stopped;
    }
    return this.engine.startReadOnly(await configuredMain(this.options));
  }

  /** A frozen main does not answer, and would be writable again when it thaws (T14): only a backup's silence is harmless. */
  private async mayWrite(now: EngineStatus): Promise<boolean> {
    if (now.writable || !now.running || now.received) return now.writable;
    if (this.engine.pid() === this.engine.readOnlyPid) return false;
    const control = await this.engine.control.read('fresh');
    return !control || !isBackupData(control);
  }

  /** A running engine that does not answer is no backup yet. */
  private async readable(): Driven {
    const answer = await this.engine.session.ask('select 1');
    return answer.ok
      ? ok(undefined)
      : problem('NotStarted', `the engine does not answer: ${answer.error}`, 'Wait, or fence it.');
  }

  private async doFollow(main: NodeConfig): Driven {
    const judged = await this.engine.judgeData();
    if (!judged.ok) return judged;
    const now = await this.reader.read();
    const already = now.running && !now.writable && now.following === main.name;
    if (already && (now.streaming || this.judgedLately(main))) return ok(undefined);
    const suspect = await this.mayWrite(now);
    if (suspect) {
      const stopped = await this.engine.kill();
      if (!stopped.ok) return stopped;
    }
    const fits = await this.judge(main);
    if (!fits.ok) return fits;
    if (!now.running || suspect || fits.value === 'restart') return this.restartFollowing(main);
    return already ? ok(undefined) : this.turnTo(main);
  }

  private judgedLately(main: NodeConfig): boolean {
    const { judged } = this;
    return judged?.main === main.name && this.options.clock.nowMs() - judged.atMs < JUDGE_AGAIN_MS;
  }

  /** `restart`: something was wrong that a running engine has already read. A main that is silent is no obstacle. */
  private async judge(main: NodeConfig): Driven<'as-is' | 'restart'> {
    const verdict = await judgeAncestry(this.engine, this.reader, main);
    this.judged = { main: main.name, atMs: this.options.clock.nowMs() };
    if (verdict.kind === 'unreachable') return ok('as-is');
    if (verdict.kind !== 'prefix')
      return problem('Diverged', verdict.because, 'Let the node rejoin: it keeps the evidence first.');
    await ensureOwnSlot(this.options, main);
    return ok((await adoptHistories(this.options, verdict.main)) ? 'restart' : 'as-is');
  }

  private async restartFollowing(main: NodeConfig): Driven {
    const stopped = await this.engine.stop();
    return stopped.ok ? this.engine.startReadOnly(main) : stopped;
  }

  /** From PostgreSQL 13 on the main can be changed without a restart. */
  private async turnTo(main: NodeConfig): Driven {
    const { clock, engineStopMs } = this.options;
    await this.engine.ensureSettings(main);
    const reloaded = await this.engine.session.ask('select pg_reload_conf()');
    const deadline = clock.nowMs() + engineStopMs;
    while (clock.nowMs() < deadline) {
      if ((await this.reader.read()).following === main.name) return ok(undefined);
      await clock.sleep(POLL_MS);
    }
    const why = reloaded.ok ? 'the new settings are not in effect' : reloaded.error;
    return problem('NotStarted', `still not following ${main.name}: ${why}`, 'Ask again.');
  }

  /** `fences`: the count when this was asked for; a fence since then wins. */
  private async promoteUnless(fences: number, spawned: (pid: number) => boolean = () => true): Driven {
    const judged = await this.engine.judgeData();
    if (!judged.ok) return judged;
    // An archive that does not work is seen in its status; it never holds up a promotion.
    await this.prepareArchive().catch(() => undefined);
    if (this.engine.fences !== fences)
      return problem('NotPromoted', 'it was fenced before it was promoted', 'Nothing: the fence stands.');
    const pid = this.engine.pid();
    if (pid !== null && !spawned(pid))
      return problem('NotPromoted', 'the promise was over before it was promoted', 'Renew the lease first.');
    this.engine.readOnlyPid = null;
    if (pid !== null) permit(this.options, pid);
    const asked = await this.engine.session.ask('select case when pg_is_in_recovery() then pg_promote(false) end');
    if (!asked.ok) await this.promoteBySignal();
    const promoted = await this.untilWritable(fences);
    if (!promoted.ok) {
      // A promotion cannot be called back: it would come true later, when nobody holds a promise for it.
      await this.engine.kill();
      return promoted;
    }
    // PostgreSQL removed the signal; a reboot from here on must come up as backup (T15), and following nobody.
    await writeWhole(this.options, this.options.paths.standbySignal, '');
    await this.engine.ensureSettings(null);
    return this.engine.fences === fences
      ? promoted
      : problem('NotPromoted', 'it was fenced while it was promoted', 'Nothing: the fence stands.');
  }

  /** Before anything that must not wait: a number of a timeline that nobody has, and what the lost main did not archive. */
  private async prepareArchive(): Promise<void> {
    if (!this.options.archive) return;
    const { received, writable } = await this.reader.read();
    const control = await this.engine.control.read();
    if (!received || writable || !control) return;
    await reserveTimelines(this.options, received.timeline);
    const ancestry = await localAncestry(this.options, received.timeline);
    await inherit(this.options, received, ancestry, control.segmentBytes);
  }

  /** What pg_ctl does: for an engine that takes no session now. */
  private async promoteBySignal(): Promise<void> {
    const pid = this.engine.pid();
    if (pid === null) return;
    await writeWhole(this.options, join(this.options.dataDir, 'promote'), '');
    signal(pid, 'SIGUSR1');
  }

  private async untilWritable(fences: number): Driven {
    const { clock, promoteTimeoutMs } = this.options;
    const deadline = clock.nowMs() + promoteTimeoutMs;
    for (;;) {
      const answer = await this.engine.session.ask('select pg_is_in_recovery() backup');
      if (answer.ok && answer.value[0]?.backup === false) return ok(undefined);
      if (this.engine.pid() === null || this.engine.fences !== fences)
        return problem(
          'NotPromoted',
          `the engine is not running: ${this.engine.saidSinceStart()}`,
          'Read its log, or promote another node.',
        );
      if (clock.nowMs() > deadline)
        return problem(
          'NotPromoted',
          `still read-only after ${promoteTimeoutMs} ms`,
          'Read its log, or promote another node.',
        );
      await clock.sleep(POLL_MS);
    }
  }

  private async doStartAsMain(fences: number, spawned: (pid: number) => boolean): Driven {
    const judged = await this.engine.judgeData();
    if (!judged.ok) return judged;
    const now = await this.reader.read();
    const pid = this.engine.pid();
    if (now.writable && pid !== null) permit(this.options, pid);
    if (now.writable) return ok(undefined);
    // Read-only and well: a backup's data. Opening it in place would make a second main of its timeline (T33).
    if (now.running && now.received) return this.promoteUnless(fences, spawned);
    if (now.running) {
      const stopped = await this.engine.kill();
      if (!stopped.ok) return stopped;
    }
    const control = await this.engine.control.read('fresh');
    if (!control || !isBackupData(control)) return this.openWritable(fences, spawned);
    const started = await this.engine.startReadOnly(null);
    return started.ok ? this.promoteUnless(fences, spawned) : started;
  }

  waitFor = (nodes: readonly NodeName[]): Driven => attempted('NotWaiting', () => waitFor(this.engine, nodes));
  followers = (): Promise<Follower[]> => followersOf(this.engine.session);

  private openWritable(fences: number, spawned: (pid: number) => boolean): Driven {
    return this.engine.startWritable(fences, (pid) => {
      const mayServe = spawned(pid);
      if (mayServe) permit(this.options, pid);
      return mayServe;
    });
  }

  async checkpoint(): Promise<void> {
    await this.engine.checkpoint();
  }

  private async doDrain(): Driven<Position> {
    if (this.engine.pid() !== null) {
      const now = await this.reader.read();
      if (now.running && !now.writable && now.received)
        return problem('NotStopped', 'this is a backup: there is nothing to drain', 'Drain the main.');
    }
    // The successor archives what is left here: a repository that hangs must not hold up the stop.
    withdraw(this.options);
    const stopped = await this.engine.stopCleanly(this.options.drainTimeoutMs);
    if (!stopped.ok) return stopped;
    const control = await this.engine.control.read('fresh');
    const final = control?.state === 'shut down' ? await this.engine.control.stoppedAt() : null;
    return final
      ? ok(final)
      : problem(
          'NotStopped',
          `it is stopped, but not cleanly (${control?.state})`,
          'Open it again: its end is unknown.',
        );
  }

  async rejoin(main: NodeConfig): Driven<{ method: RejoinMethod; evidence: string | null }> {
    withdraw(this.options);
    const done = await attempted('NotRejoined', () => new Rejoin(this.engine, this.reader, main).run());
    this.judged = null;
    return done;
  }

  keepSlots(peers: readonly NodeName[]): Promise<void> {
    return keepSlots(
      this.engine.session,
      peers.filter((peer) => peer !== this.options.node),
    );
  }

  archiveStatus = (): Promise<ArchiveStatus | null> => readArchiveStatus(this.engine);
  backups = async (): Promise<Result<Backup[], string>> =>
    this.options.archive
      ? backupsOf(this.options, (await this.engine.control.read())?.dataId ?? '')
      : fail('this node has no archive');
  ensureBackup = (request: BackupRequest): Promise<Result<Backup, BackupProblem>> => ensureBackup(this.engine, request);

  probe(host: string, port: number, epoch: number): Promise<ProbeResult> {
    return probeWrite(this.options, host, port, epoch);
  }
}

/** The data directory is taken by its real path: a reseed renames it. */
export function createPostgresDriver(options: PostgresOptions): EngineDriver & Archiving {
  const dataDir = existsSync(options.dataDir) ? realpathSync(options.dataDir) : options.dataDir;
  return new PostgresDriver({ ...options, dataDir });
}
