// What a diverged node has and the main has not, kept before anything may overwrite it (T41): WAL from the fork on, the
// control file, the histories, and a note. Complete and synced on disk, or a failure that stops the rejoin.

import { constants, copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverProblem } from '../../../core/ports';
import { ok, type Result } from '../../../core/result';
import { ensureDir, readText, syncDir } from '../../files';
import type { Verdict } from './ancestry';
import type { ControlData } from './control-data';
import type { Settled } from './options';
import { problem, sentence } from './problems';
import { formatLsn, parseSegment } from './wal';

type Diverged = Extract<Verdict, { kind: 'diverged' }>;

interface Piece {
  name: string;
  bytes: number;
  changedMs: number;
}

/** Returns the directory; the same one again when the same divergence was kept before. */
export async function keepEvidence(
  options: Settled,
  control: ControlData,
  verdict: Diverged,
): Promise<Result<string, DriverProblem>> {
  try {
    const pieces = await divergedPieces(options, control, verdict);
    const mark = JSON.stringify([control.dataId, formatLsn(verdict.fork.bytes), pieces]);
    const { path, kept } = await place(options, mark);
    if (!kept) await fill(options, path, pieces, note(options, control, verdict, mark));
    return ok(path);
  } catch (error) {
    return problem(
      'NotRejoined',
      `the diverged data could not be kept: ${sentence(error)}`,
      `Make room in ${options.evidenceDir}; nothing was changed.`,
    );
  }
}

/** Segments from the fork on, oldest first. */
async function divergedPieces(
  { paths }: Settled,
  { segmentBytes }: ControlData,
  { fork, mine }: Diverged,
): Promise<Piece[]> {
  const shared = mine.findIndex(({ timeline }) => timeline === fork.timeline);
  const own = new Set(mine.slice(shared).map(({ timeline }) => timeline));
  const pieces: Piece[] = [];
  for (const name of (await readdir(paths.wal)).sort()) {
    const at = parseSegment(name, segmentBytes);
    if (!at || !own.has(at.timeline) || at.bytes + segmentBytes <= fork.bytes) continue;
    const path = join(paths.wal, name);
    const { size, mtimeMs } = await stat(path);
    if (await isWritten(path, at.bytes)) pieces.push({ name, bytes: size, changedMs: mtimeMs });
  }
  return pieces;
}

/** A segment that was recycled for later use still has the pages of its former life: their address is another one. */
async function isWritten(path: string, startBytes: number): Promise<boolean> {
  const handle = await open(path, 'r');
  const { buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0).finally(() => handle.close());
  return Number(buffer.readBigUInt64LE(8)) === startBytes;
}

async function place({ evidenceDir, cluster, node }: Settled, mark: string): Promise<{ path: string; kept: boolean }> {
  await ensureDir(evidenceDir);
  const prefix = `${cluster}-${node}-`;
  const numbers = (await readdir(evidenceDir)).flatMap((name) =>
    name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)) ? [Number(name.slice(prefix.length))] : [],
  );
  for (const number of numbers) {
    const path = join(evidenceDir, prefix + number);
    if (JSON.parse((await readText(join(path, 'evidence.json'))) ?? '{}').mark === mark) return { path, kept: true };
  }
  return { path: join(evidenceDir, prefix + (Math.max(0, ...numbers) + 1)), kept: false };
}

const note = ({ node, cluster, clock, dataDir }: Settled, control: ControlData, verdict: Diverged, mark: string) => ({
  cluster,
  node,
  at: clock.wall(),
  because: verdict.because,
  fork: { timeline: verdict.fork.timeline, lsn: formatLsn(verdict.fork.bytes) },
  main: { timeline: verdict.main.at.timeline, lsn: formatLsn(verdict.main.at.bytes) },
  timelines: verdict.mine.map(({ timeline }) => timeline),
  dataId: control.dataId,
  state: control.state,
  dataDir,
  read: `pg_waldump -p . -t ${verdict.mine.at(-1)?.timeline} -s ${formatLsn(verdict.fork.bytes)}`,
  mark,
});

/** Filled under another name, renamed when complete: a half-kept directory is never taken for the evidence. */
async function fill(options: Settled, path: string, pieces: Piece[], about: object): Promise<void> {
  const { paths, dataDir, evidenceMaxBytes } = options;
  const beside = `${path}.unfinished`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { mode: 0o700 });
  let left = evidenceMaxBytes;
  const kept = pieces.filter(({ bytes }) => {
    left -= bytes;
    return left >= 0;
  });
  for (const { name } of kept) await copySynced(join(paths.wal, name), join(beside, name));
  const histories = (await readdir(paths.wal)).filter((name) => name.endsWith('.history'));
  for (const name of histories) await copySynced(join(paths.wal, name), join(beside, name));
  await writeFile(join(beside, 'pg_control'), await readFile(join(dataDir, 'global', 'pg_control')));
  const missing = pieces.slice(kept.length).map(({ name }) => name);
  await writeFile(
    join(beside, 'evidence.json'),
    `${JSON.stringify({ ...about, truncated: missing.length > 0, missing }, null, 2)}\n`,
    { flush: true },
  );
  await syncDir(beside);
  await rename(beside, path);
  await syncDir(options.evidenceDir);
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const handle = await open(to, 'r');
  await handle.sync().finally(() => handle.close());
}
