// Reading what a stopped engine has, before anything overwrites it (T41): a copy of its data directory is started read-only, behind a
// Unix socket in a directory of its own, and is gone afterwards. Must never write to the original, and the copy must never reach a peer
// or the archive: it is started on settings of its own, none of the operator's and none of the node's.

import { existsSync, realpathSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Driven } from '../../../core/ports';
import { ok } from '../../../core/result';
import { ensureDir, remove, writeWhole } from '../../files';
import { lastWords, run } from './commands';
import type { ControlData } from './control-data';
import { Engine } from './engine';
import { COPY_PORT, judgePlace, judgeStopped, type Place, refuse } from './inspection-place';
import { type PostgresOptions, type Settled, settle } from './options';
import { attempted } from './problems';

/** Replay writes too, and temporary files of a person's queries. */
const SPARE_BYTES = 256 * 1024 ** 2;
const LOOK_MS = 200;

export interface InspectionRequest {
  /** Empty, or not there yet. */
  dir: string;
  /** Ends it, whatever it is at. */
  signal: AbortSignal;
  /** The copy answers. */
  ready: (at: { dir: string; port: number; user: string }) => void;
  /** Progress, for a person. */
  say: (message: string) => void;
  /** Default: what the file system says. */
  freeBytes?: (dir: string) => Promise<number>;
}

/** Returns when the signal has come and nothing of the copy is left; a problem says what stood in the way, and then nothing is left either. */
export const inspect = (options: PostgresOptions, request: InspectionRequest): Driven =>
  attempted('NotStarted', async () => {
    const dataDir = existsSync(options.dataDir) ? realpathSync(options.dataDir) : options.dataDir;
    const original = settle({ ...options, dataDir });
    const dir = resolve(request.dir);
    const judged = await judgePlace(original, dir);
    if (!judged.ok) return judged;
    const { wal, bytes } = judged.value;
    await ensureDir(dirname(dir));
    const created = await mkdir(dir, { recursive: true, mode: 0o700 });
    const copy = new Engine(copyOptions(options, dir));
    try {
      const free = await (request.freeBytes ?? freeOn)(dir);
      const need = bytes + SPARE_BYTES;
      if (free < need)
        return refuse(
          `a copy needs ${mib(need)} in ${dir}, and ${mib(free)} are free`,
          'Name a roomier one: --dir DIR.',
        );
      await ownDir(copy.options, dir);
      return await examine(original, copy, wal, request);
    } finally {
      await clear(copy, dir, created !== undefined);
    }
  });

const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;

const freeOn = async (dir: string): Promise<number> => {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
};

/** An engine that knows of no peer, no archive and no network. */
const copyOptions = ({ archive: _, ...options }: PostgresOptions, dir: string): Settled =>
  settle({
    ...options,
    dataDir: join(dir, 'data'),
    port: COPY_PORT,
    listenHost: '',
    socketDir: dir,
    stateDir: dir,
    logDir: dir,
    peers: [],
    baseConfig: join(dir, 'copy.conf'),
    // A history of the service that lies here already leads past what only this node has.
    targetTimeline: 'current',
    // As long as its replay takes; a person waits, and may leave.
    startTimeoutMs: options.copyTimeoutMs ?? 6 * 3_600_000,
  });

/** Whoever may enter may read everything: the engine's user and root, who could read the files as well. */
async function ownDir({ osUser }: Settled, dir: string): Promise<void> {
  if (osUser) await chown(dir, osUser.uid, osUser.gid);
  await chmod(dir, 0o700);
}

async function examine(
  original: Settled,
  copy: Engine,
  wal: Place['wal'],
  { signal, ready, say }: InspectionRequest,
): Driven {
  const { dataDir, socketDir: dir, superuser: user, clock } = copy.options;
  const source = new Engine(original);
  const before = await source.control.read();
  if (!before) return refuse(`the control file of ${original.dataDir} cannot be read`, 'Look at the disk.');
  say(`copying ${original.dataDir} to ${dataDir}`);
  const copied = await copyData(original, copy.options, wal, signal);
  if (signal.aborted) return ok(undefined);
  if (!copied.ok)
    return refuse(`the copy failed: ${lastWords(copied.output)}`, 'Mend what it says; nothing was changed.');
  const still = await judgeUnchanged(source, before);
  if (!still.ok) return still;
  await isolate(copy.options, before);
  say('starting the copy read-only');
  const starting = copy.startReadOnly(null);
  const started = await Promise.race([starting, aborted(signal)]);
  if (started === 'aborted') {
    await copy.kill();
    await starting;
    return ok(undefined);
  }
  if (!started.ok)
    return refuse(`the copy does not start: ${started.error.message}`, 'Its data may be damaged: see the sentence.');
  ready({ dir, port: COPY_PORT, user });
  while (!signal.aborted && copy.pid() !== null) await clock.sleep(LOOK_MS);
  return signal.aborted
    ? ok(undefined)
    : refuse(`the copy’s engine has ended: ${copy.saidSinceStart()}`, 'Begin again.');
}

/** Somebody who recovers the node meanwhile is not held up; what was copied is then no database. */
async function judgeUnchanged(source: Engine, before: ControlData): Driven {
  const stopped = judgeStopped(source);
  if (!stopped.ok) return stopped;
  const data = await source.judgeData();
  if (data.ok && JSON.stringify(await source.control.read('fresh')) === JSON.stringify(before)) return ok(undefined);
  return refuse(
    'the data was changed while it was copied',
    `See what is done to this node: mainstay status ${source.options.cluster}.`,
  );
}

const aborted = (signal: AbortSignal): Promise<'aborted'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });

/** Shares blocks where the file system can (reflink), and copies them where it cannot. */
async function copyData(original: Settled, copy: Settled, wal: string | null, signal: AbortSignal) {
  const cp = (from: string, to: string) =>
    run(copy, '/bin/cp', ['-a', '--reflink=auto', '--', from, to], copy.copyTimeoutMs, signal);
  const copied = await cp(original.dataDir, copy.dataDir);
  if (!copied.ok || wal === null) return copied;
  // The link itself was copied: through it the copy would write into the original's WAL.
  await rm(join(copy.dataDir, 'pg_wal'));
  return cp(wal, join(copy.dataDir, 'pg_wal'));
}

/** Takes out of the copy whatever would tie it to the world, and gives it settings that do not. */
async function isolate(copy: Settled, { atLeast }: ControlData): Promise<void> {
  const { dataDir, paths, baseConfig, stateDir } = copy;
  await remove(paths.recoverySignal);
  await writeWhole(copy, paths.autoConf, '');
  // A slot of a kind that these settings do not know would keep it from starting.
  for (const slot of await readdir(join(dataDir, 'pg_replslot')))
    await rm(join(dataDir, 'pg_replslot', slot), { recursive: true });
  const hba = join(stateDir, 'pg_hba.conf');
  await writeWhole(copy, hba, 'local all all trust\n');
  const settings: Record<string, string | number> = {
    hba_file: `'${hba.replaceAll("'", "''")}'`,
    unix_socket_permissions: '0700',
    archive_mode: 'off',
    logging_collector: 'off',
    max_logical_replication_workers: 0,
    // It is thrown away.
    fsync: 'off',
    ...atLeast,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  await writeWhole(copy, baseConfig, lines.join(''));
}

/** The engine first; a directory that was there before stays, empty. */
async function clear(copy: Engine, dir: string, created: boolean): Promise<void> {
  const stopped = await copy.stop();
  if (!stopped.ok) throw new Error(`${stopped.error.message}; its copy is in ${dir}`);
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
  if (created) await rm(dir, { recursive: true });
}
