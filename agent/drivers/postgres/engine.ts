// Starting and stopping the postmaster, each proven: started means that it answers, stopped means that no process is left.
// Every start but `startWritable` leaves a standby.signal, so a reboot or a mistake never brings up a second main (T15).

import type { ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeConfig, NodeName } from '../../../core/model';
import type { Driven } from '../../../core/ports';
import { ok } from '../../../core/result';
import { ensureDir, readText, remove, writeWhole } from '../../files';
import { releaseTimelines } from './archive/timelines';
import { lastWords, launch, run } from './commands';
import { ControlFile } from './control-data';
import { logBytes, logSince } from './engine-log';
import type { Settled } from './options';
import { problem } from './problems';
import { alive, engineProcesses, postmasterPid, signal } from './processes';
import { Session } from './session';
import { ensureSettings } from './settings';

const POLL_MS = 5;
const READY_POLL_MS = 20;

export class Engine {
  readonly control: ControlFile;
  readonly session: Session;
  /** Our child until it is gone: it works in the data directory only some milliseconds after it was started. */
  private launched: ChildProcess | null = null;
  private launchedAtLogBytes = 0;
  /** +1 at each fence: a start or promotion that was under way when it happened must not succeed. */
  fences = 0;
  /** The postmaster that this process started read-only, while it is: it may not answer yet, but cannot write. */
  readOnlyPid: number | null = null;
  /** Whom a commit waits for (`waitFor`). */
  waited: readonly NodeName[] = [];

  constructor(readonly options: Settled) {
    const { socketDir: host, port, superuser: user, engineStopMs: boundMs } = options;
    this.control = new ControlFile(options);
    this.session = new Session({ host, port, user, boundMs });
  }

  pid(): number | null {
    return postmasterPid(this.options);
  }

  /** Our own child is included though it may not have reached its data directory yet. */
  processes(): number[] {
    const child = this.launched?.pid;
    const found = engineProcesses(this.options);
    return child && alive(child) && !found.includes(child) ? [child, ...found] : found;
  }

  /** NotStarted: why this data directory must not be started at all. */
  async judgeData(): Driven {
    const { paths, dataDir } = this.options;
    if ((await readText(paths.marker)) !== null)
      return problem(
        'NotStarted',
        'a rewind or reseed was interrupted: this data directory is no database (T35)',
        'Let the node rejoin: it is reseeded from the main.',
      );
    if (!(await stat(join(dataDir, 'PG_VERSION')).catch(() => null)))
      return problem(
        'NotStarted',
        `there is no database in ${dataDir}`,
        'Let the node rejoin: it is seeded from the main.',
      );
    return ok(undefined);
  }

  async ensureSettings(main: NodeConfig | null): Promise<void> {
    await ensureSettings(this.options, main, this.waited, (await this.control.read())?.maxWalSenders);
  }

  async startReadOnly(main: NodeConfig | null): Driven {
    const { paths } = this.options;
    await this.ensureSettings(main);
    await releaseTimelines(this.options);
    await writeWhole(this.options, paths.standbySignal, '');
    return this.start(
      () => true,
      (pid) => {
        this.readOnlyPid = pid;
        return true;
      },
    );
  }

  /** Only under a held promise. `fences`: the count when the caller was told to; asked again in the tick of the launch. */
  async startWritable(fences: number, spawned: (pid: number) => boolean): Driven {
    const { paths } = this.options;
    await this.ensureSettings(null);
    this.readOnlyPid = null;
    await remove(paths.standbySignal);
    await remove(paths.recoverySignal);
    const started = await this.start(() => this.fences === fences, spawned);
    // A crash or a reboot from here on starts as backup again (T15): the signal is read at the start only.
    await writeWhole(this.options, paths.standbySignal, '');
    if (this.fences === fences && started.ok) return started;
    // It may still be recovering, and would open for writing when nobody watches any more.
    await this.kill();
    if (!started.ok) return started;
    return problem('NotStarted', 'it was fenced while it started', 'Nothing: the fence stands.');
  }

  private async start(allowed: () => boolean, spawned: (pid: number) => boolean = () => true): Driven {
    const { paths, socketDir } = this.options;
    this.session.close();
    await ensureDir(socketDir, this.options.osUser);
    const [orphan] = this.processes();
    if (orphan) return problem('NotStarted', `process ${orphan} still runs on this data directory`, 'Fence it first.');
    // Nobody runs here, so the file is stale; its number may be another process's by now, and postgres would believe it.
    await remove(paths.pidFile);
    if (!allowed()) return problem('NotStarted', 'it was fenced before it started', 'Nothing: the fence stands.');
    this.launchedAtLogBytes = logBytes(paths.log);
    const child = launch(this.options);
    this.launched = child;
    const mayServe = child.pid === undefined || spawned(child.pid);
    if (!mayServe) child.kill('SIGKILL');
    child.on('error', () => undefined);
    child.on('exit', () => {
      if (this.launched === child) this.launched = null;
    });
    if (mayServe) return this.untilReady(child);
    const killed = await this.kill();
    return killed.ok
      ? problem('NotStarted', 'the promise was over when it was started', 'Renew the lease first.')
      : killed;
  }

  private async untilReady(child: ChildProcess): Driven {
    const { clock, startTimeoutMs } = this.options;
    const deadline = clock.nowMs() + startTimeoutMs;
    for (;;) {
      const answer = await this.session.ask('select 1');
      if (answer.ok) return ok(undefined);
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
        return problem('NotStarted', `the engine ended while starting: ${this.saidSinceStart()}`, 'Read its log.');
      if (clock.nowMs() > deadline)
        return problem(
          'NotStarted',
          `not ready after ${startTimeoutMs} ms: ${answer.error}`,
          'Read its log; it may still be recovering.',
        );
      await clock.sleep(READY_POLL_MS);
    }
  }

  /** On a session of its own: the status must not wait for it. Best effort. */
  async checkpoint(): Promise<void> {
    const { socketDir: host, port, superuser: user, drainTimeoutMs: boundMs } = this.options;
    const session = new Session({ host, port, user, boundMs });
    await session.ask('checkpoint');
    session.close();
  }

  /** What the engine logged since its last start, shortened to the complaints. */
  saidSinceStart(): string {
    return lastWords(this.logSinceStart());
  }

  logSinceStart(): string {
    return logSince(this.options.paths.log, this.launchedAtLogBytes);
  }

  /** Asks for a clean stop and waits until no process is left. NotStopped: it is still there when the bound is over (T11). */
  async stopCleanly(boundMs: number): Driven {
    const pid = this.pid();
    if (pid) signal(pid, 'SIGINT');
    const gone = await this.untilGone(boundMs);
    this.session.close();
    return gone
      ? ok(undefined)
      : problem('NotStopped', `still stopping after ${boundMs} ms`, 'Fence it, or wait and ask again.');
  }

  /** Clean when it can be, by force when it must be (T12). */
  async stop(): Driven {
    const clean = await this.stopCleanly(this.options.drainTimeoutMs);
    return clean.ok ? clean : this.kill();
  }

  /** SIGKILL reaches stopped and hung processes alike; the postmaster first, so that it starts no more of them. */
  async kill(): Driven {
    const { engineStopMs } = this.options;
    const postmaster = this.pid();
    if (postmaster) signal(postmaster, 'SIGKILL');
    const gone = await this.untilGone(engineStopMs, (pids) => {
      for (const pid of pids) signal(pid, 'SIGKILL');
    });
    this.session.close();
    if (gone) return ok(undefined);
    const left = this.processes();
    return problem(
      'NotStopped',
      `processes ${left.join(', ')} survive SIGKILL after ${engineStopMs} ms`,
      'Power the node off.',
      { pids: left },
    );
  }

  private async untilGone(boundMs: number, push: (pids: number[]) => void = () => undefined): Promise<boolean> {
    const { clock } = this.options;
    const deadline = clock.nowMs() + boundMs;
    let known: number[] = [];
    for (;;) {
      known = known.filter(alive);
      // The whole of /proc is searched only when all that was found there is gone: gone means that a search finds none.
      if (known.length === 0) {
        known = this.processes();
        if (known.length === 0) return true;
        push(known);
      }
      if (clock.nowMs() > deadline) return false;
      await clock.sleep(POLL_MS);
    }
  }

  /**
   * Replays a crashed database to its end without serving anybody, so that pg_rewind finds it cleanly shut down. Not
   * left to pg_rewind: before 15 it knows only `<dataDir>/postgresql.conf`, and it stumbles over a standby.signal.
   */
  async recoverAlone(): Driven {
    const { paths, dataDir, copyTimeoutMs } = this.options;
    await this.ensureSettings(null);
    await remove(paths.standbySignal);
    await remove(paths.recoverySignal);
    const ran = await run(
      this.options,
      'postgres',
      ['--single', '-F', '-D', dataDir, '-c', `config_file=${paths.managed}`, 'template1'],
      copyTimeoutMs,
    );
    await writeWhole(this.options, paths.standbySignal, '');
    return ran.ok
      ? ok(undefined)
      : problem('NotRejoined', `its own recovery failed: ${lastWords(ran.output)}`, 'It will be reseeded.');
  }
}
