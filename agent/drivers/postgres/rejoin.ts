// The way back for a node that was main, or was away: keep the evidence, then the least that works of follow, rewind and
// reseed, which takes the repository's backup before it burdens the main with a copy. While a rewind or reseed is unfinished a marker outside the data directory keeps everything else away from it
// (T35). Destroys nothing before the main has answered and the evidence is on disk (T41).

import { appendFile, chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeConfig, Position, RejoinMethod } from '../../../core/model';
import type { Driven } from '../../../core/ports';
import { ok } from '../../../core/result';
import { ensureDir, readText, remove, writeWhole } from '../../files';
import { hasRecordAt, judgeAncestry, type Verdict } from './ancestry';
import { restoreInPlace } from './archive/backup';
import { lastWords, run } from './commands';
import type { Engine } from './engine';
import { keepEvidence } from './evidence';
import { adoptHistories } from './histories';
import { type Settled, workDir } from './options';
import { problem } from './problems';
import { alive, leftoverTools, signal } from './processes';
import { conninfo, peerParts, slotName } from './settings';
import { dropSlots } from './slots';
import type { StatusReader } from './status';
import { askUpstream, checkpointUpstream, ensureOwnSlot, type Upstream } from './upstream';
import { parseSegment } from './wal';

const POLL_MS = 20;
/** What a receiver says when the main no longer has, or never had, what this node asks for. */
const HOPELESS =
  /has already been removed|is ahead of the WAL flush position|forked off current database system|highest timeline/;

export interface Rejoined {
  method: RejoinMethod;
  evidence: string | null;
}

export class Rejoin {
  private readonly options: Settled;

  constructor(
    private readonly engine: Engine,
    private readonly status: StatusReader,
    private readonly main: NodeConfig,
  ) {
    this.options = engine.options;
  }

  async run(): Driven<Rejoined> {
    const marker = await readText(this.options.paths.marker);
    if (marker !== null) return this.reseed(evidenceIn(marker));
    const { dataDir } = this.options;
    if (!(await stat(join(dataDir, 'PG_VERSION')).catch(() => null))) return this.seed();
    const now = await this.status.read();
    // A main that is told to rejoin has lost the role: nothing may be written while its history is judged.
    if (now.writable || (now.running && !now.received)) {
      const stopped = await this.engine.stop();
      if (!stopped.ok) return stopped;
    }
    const verdict = await judgeAncestry(this.engine, this.status, this.main);
    if (verdict.kind === 'unreachable')
      return problem('NotRejoined', verdict.because, 'Try again when the main answers; nothing was changed.');
    if (verdict.kind === 'foreign')
      return problem('NotRejoined', verdict.because, `Move ${dataDir} away, then let the node rejoin.`);
    return verdict.kind === 'prefix' ? this.follow(verdict) : this.repair(verdict);
  }

  private async follow({ main }: Extract<Verdict, { kind: 'prefix' }>): Driven<Rejoined> {
    await ensureOwnSlot(this.options, this.main);
    const stopped = await this.engine.stop();
    if (!stopped.ok) return stopped;
    await adoptHistories(this.options, main);
    const streams = await this.note('follow', await this.startAndStream());
    if (streams.ok) return ok({ method: 'follow', evidence: null });
    // Before anything is thrown away: was it a prefix, after all that the main has written since (T41)?
    const stoppedAgain = await this.engine.stop();
    if (!stoppedAgain.ok) return stoppedAgain;
    const again = await judgeAncestry(this.engine, this.status, this.main);
    return again.kind === 'diverged' ? this.repair(again) : this.reseed(null);
  }

  private async repair(verdict: Extract<Verdict, { kind: 'diverged' }>): Driven<Rejoined> {
    const stopped = await this.engine.stop();
    if (!stopped.ok) return stopped;
    const control = await this.engine.control.read('fresh');
    if (!control) return problem('NotRejoined', 'the control file cannot be read', 'Read the log.');
    const evidence = await keepEvidence(this.options, control, verdict);
    if (!evidence.ok) return evidence;
    const rewound =
      verdict.rewindable && (await this.note('rewind', await this.rewind(verdict.fork, evidence.value))).ok;
    if (rewound && (await this.note('rewind', await this.startAndStream())).ok)
      return ok({ method: 'rewind', evidence: evidence.value });
    return this.reseed(evidence.value);
  }

  private async rewind(fork: Position, evidence: string): Driven {
    const { dataDir, copyTimeoutMs, paths } = this.options;
    await ensureOwnSlot(this.options, this.main);
    await checkpointUpstream(this.options, this.main);
    await this.mark(evidence);
    const control = await this.engine.control.read('fresh');
    if (!control?.state.startsWith('shut down')) {
      const recovered = await this.engine.recoverAlone();
      if (!recovered.ok) return recovered;
    }
    const source = conninfo({ ...peerParts(this.options, this.main), dbname: 'postgres' });
    const args = ['--target-pgdata', dataDir, '--source-server', source, '--no-ensure-shutdown'];
    const ran = await run(this.options, 'pg_rewind', args, copyTimeoutMs);
    if (!ran.ok) return problem('NotRejoined', `pg_rewind: ${lastWords(ran.output)}`, 'It will be reseeded.');
    await this.dropUnapplied(fork);
    await writeWhole(this.options, paths.standbySignal, '');
    await remove(paths.marker);
    return ok(undefined);
  }

  /**
   * A backup that received beyond the fork but had not applied it needs no rewind, says pg_rewind, and would then
   * replay just that (T32). Those segments go (the evidence has them); the main sends its own.
   */
  private async dropUnapplied(fork: Position): Promise<void> {
    const control = await this.engine.control.read('fresh');
    if (!control || !(await hasRecordAt(this.options, fork, control.segmentBytes))) return;
    const { wal } = this.options.paths;
    for (const name of await readdir(wal)) {
      const at = parseSegment(name, control.segmentBytes);
      if (at?.timeline === fork.timeline && at.bytes + control.segmentBytes > fork.bytes) await remove(join(wal, name));
    }
  }

  /** A first copy into an empty directory. */
  private async seed(): Driven<Rejoined> {
    const { dataDir } = this.options;
    const names = await readdir(dataDir).catch(() => []);
    if (names.some((name) => name !== 'lost+found'))
      return problem('NotRejoined', `${dataDir} holds files but no database`, 'Empty it, then let the node rejoin.');
    return this.reseed(null);
  }

  /** A whole new copy, made beside the old data, which goes only when the copy is complete. */
  private async reseed(evidence: string | null): Driven<Rejoined> {
    const asked = await askUpstream(this.options, this.main);
    if (!asked.ok) return problem('NotRejoined', asked.error, 'Try again when the main answers.', { evidence });
    const stopped = await this.engine.stop();
    if (!stopped.ok) return stopped;
    const restored = await this.restore(asked.value, evidence);
    if (restored) return ok({ method: 'reseed', evidence });
    const stoppedAgain = await this.engine.stop();
    if (!stoppedAgain.ok) return stoppedAgain;
    if (await this.isMountPoint())
      return problem(
        'NotRejoined',
        `${this.options.dataDir} is a mount point and cannot be replaced`,
        'Put the database one directory below it.',
      );
    await this.endLeftovers();
    await this.mark(evidence);
    const slot = await ensureOwnSlot(this.options, this.main);
    const copied = await this.copy(slot.ok);
    if (!copied.ok) return copied;
    await this.swap();
    await writeWhole(this.options, this.options.paths.standbySignal, '');
    await remove(this.options.paths.marker);
    const streams = await this.note('reseed', await this.startAndStream());
    return streams.ok ? ok({ method: 'reseed', evidence }) : streams;
  }

  /** True when it streams. Whatever is missing, in the repository or on the way from there, a copy of the main follows. */
  private async restore(main: Upstream, evidence: string | null): Promise<boolean> {
    if (!this.options.archive) return false;
    await this.endLeftovers();
    await this.mark(evidence);
    await ensureOwnSlot(this.options, this.main);
    const restored = await this.note('restore', await restoreInPlace(this.options, main));
    if (!restored.ok) return false;
    await adoptHistories(this.options, main);
    await remove(this.options.paths.marker);
    return (await this.note('restore', await this.startAndStream())).ok;
  }

  private async copy(hasSlot: boolean): Driven {
    const { osUser, copyTimeoutMs } = this.options;
    const { copy } = this.places();
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy, { mode: 0o700, recursive: true });
    if (osUser) await chown(copy, osUser.uid, osUser.gid);
    const source = conninfo(peerParts(this.options, this.main));
    const slot = hasSlot ? ['--slot', slotName(this.options.node)] : [];
    const args = [
      '--pgdata',
      copy,
      '--dbname',
      source,
      '--wal-method',
      'stream',
      '--checkpoint',
      'fast',
      '--no-password',
      ...slot,
    ];
    const ran = await run(this.options, 'pg_basebackup', args, copyTimeoutMs);
    return ran.ok
      ? ok(undefined)
      : problem(
          'NotRejoined',
          `pg_basebackup: ${lastWords(ran.output)}`,
          'Mend what it complains about, then recover again.',
        );
  }

  private async isMountPoint(): Promise<boolean> {
    const home = await stat(this.options.dataDir).catch(() => null);
    return home !== null && home.dev !== (await stat(workDir(this.options))).dev;
  }

  private places(): { copy: string; old: string } {
    const { dataDir } = this.options;
    return { copy: `${dataDir}.mainstay-copy`, old: `${dataDir}.mainstay-old` };
  }

  /** Under the marker: a crash between the renames is met by another reseed. */
  private async swap(): Promise<void> {
    const { dataDir } = this.options;
    const { copy, old } = this.places();
    await rm(old, { recursive: true, force: true });
    await rename(dataDir, old).catch(() => ensureDir(workDir(this.options)));
    await rename(copy, dataDir);
    await rm(old, { recursive: true, force: true });
  }

  /** A tool of an agent that died may still be writing here. */
  private async endLeftovers(): Promise<void> {
    const { clock, engineStopMs } = this.options;
    const pids = leftoverTools(this.options);
    for (const pid of pids) signal(pid, 'SIGKILL');
    const deadline = clock.nowMs() + engineStopMs;
    while (pids.some(alive) && clock.nowMs() < deadline) await clock.sleep(POLL_MS);
  }

  /** Why a lesser rung did not do is nowhere else: the result only names the one that did. */
  private async note<T>(rung: RejoinMethod | 'restore', outcome: Awaited<Driven<T>>): Driven<T> {
    const { clock, paths } = this.options;
    const line = outcome.ok ? 'done' : outcome.error.message;
    await appendFile(paths.rejoinLog, `${clock.wall()} ${rung} from ${this.main.name}: ${line}\n`);
    return outcome;
  }

  private async mark(evidence: string | null): Promise<void> {
    const { paths, clock } = this.options;
    await ensureDir(dirname(paths.marker));
    await writeWhole(
      this.options,
      paths.marker,
      `${JSON.stringify({ at: clock.wall(), main: this.main.name, evidence })}\n`,
    );
  }

  private async startAndStream(): Driven {
    const started = await this.engine.startReadOnly(this.main);
    if (!started.ok) return started;
    const streams = await this.untilStreaming();
    if (streams.ok) await dropSlots(this.engine.session);
    return streams;
  }

  private async untilStreaming(): Driven {
    const { clock, streamTimeoutMs } = this.options;
    let deadline = clock.nowMs() + streamTimeoutMs;
    let reached = 0;
    for (;;) {
      const { streaming, applied } = await this.status.read();
      if (streaming) return ok(undefined);
      // A node that catches up from the archive gets nearer to the stream all the time.
      if ((applied?.bytes ?? 0) > reached) deadline = clock.nowMs() + streamTimeoutMs;
      reached = Math.max(reached, applied?.bytes ?? 0);
      const hopeless = HOPELESS.test(this.engine.logSinceStart());
      if (hopeless || clock.nowMs() > deadline)
        return problem(
          'NotRejoined',
          `no stream from ${this.main.name}: ${this.engine.saidSinceStart()}`,
          'Read the log of both nodes.',
        );
      await clock.sleep(POLL_MS);
    }
  }
}

function evidenceIn(marker: string): string | null {
  const match = /"evidence":("(?:[^"\\]|\\.)*")/.exec(marker);
  return match?.[1] ? String(JSON.parse(match[1])) : null;
}
