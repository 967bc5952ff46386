// Whether a stopped engine's data can be copied to a place, and how much that is: everything that is asked before an inspection begins.
// Reads only.

import { lstat, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Driven } from '../../../core/ports';
import { ok } from '../../../core/result';
import { Engine } from './engine';
import type { Settled } from './options';
import { problem } from './problems';
import { leftoverTools } from './processes';

/** Names the socket of the copy; nothing listens on it. */
export const COPY_PORT = 5432;
/** What the kernel takes as a socket's path. */
const SOCKET_PATH_BYTES = 107;

export const refuse = (message: string, next: string) => problem('NotStarted', message, next);

export interface Place {
  /** Where WAL really is, when that is outside of the data directory. */
  wal: string | null;
  bytes: number;
}

/** Reads only. */
export async function judgePlace(original: Settled, dir: string): Driven<Place> {
  const { dataDir, node } = original;
  const engine = new Engine(original);
  const stopped = judgeStopped(engine);
  if (!stopped.ok) return stopped;
  const data = await engine.judgeData();
  if (!data.ok) return refuse(data.error.message, 'There is nothing to be read: recover the node.');
  if (isWithin(await realPathOf(dir), dataDir))
    return refuse(`${dir} lies in the data directory of ${node}`, 'Name another: --dir DIR.');
  if ((await readdir(dir).catch(() => [])).length > 0)
    return refuse(
      `${dir} is not empty; an inspection that was killed may have left its copy there`,
      'Look at it, end the engine that runs on it if there is one, and remove it; or name another: --dir DIR.',
    );
  if (Buffer.byteLength(join(dir, `.s.PGSQL.${COPY_PORT}`)) > SOCKET_PATH_BYTES)
    return refuse(`the path ${dir} is too long for a socket in it`, 'Name a shorter one: --dir DIR.');
  return measured(dataDir);
}

export function judgeStopped(engine: Engine): { ok: true; value: undefined } | ReturnType<typeof refuse> {
  const { dataDir, node } = engine.options;
  const [pid] = [...engine.processes(), ...leftoverTools(engine.options)];
  if (pid === undefined) return ok(undefined);
  return refuse(
    `process ${pid} runs on ${dataDir}: the data of ${node} is in use`,
    `It can be read through its own socket: psql -h ${engine.options.socketDir}`,
  );
}

/** Of a path that is not there yet: of what is there of it. */
async function realPathOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => null);
  return real ?? join(await realPathOf(dirname(path)), relative(dirname(path), path));
}

const isWithin = (path: string, dir: string): boolean => path === dir || path.startsWith(`${dir}/`);

/** A link that the copy would share with the original is refused: an engine writes through it. WAL elsewhere is copied as well. */
async function measured(dataDir: string): Driven<Place> {
  const { bytes, links } = await walk(dataDir);
  const named = links.map((path) => relative(dataDir, path));
  // A single file beside the data, such as a certificate, is nothing that the copy opens.
  const shared = [];
  for (const [index, name] of named.entries()) {
    const leadsTo = await realpath(links[index] ?? '').catch(() => null);
    const isDirectory = leadsTo !== null && (await lstat(leadsTo)).isDirectory();
    if (name !== 'pg_wal' && (isDirectory || name.includes('/'))) shared.push(name);
  }
  if (shared.length > 0)
    return refuse(
      `${shared.join(', ')} in ${dataDir} ${shared.length > 1 ? 'are links' : 'is a link'}: a copy would share the files behind (tablespaces are not copied)`,
      'Copy the data directory and its tablespaces by hand, or take a snapshot of the volumes, and read that.',
    );
  const wal = named.includes('pg_wal') ? await realpath(join(dataDir, 'pg_wal')) : null;
  return ok({ wal, bytes: bytes + (wal === null ? 0 : (await walk(wal)).bytes) });
}

/** What regular files take, and every link; follows none. */
async function walk(dir: string): Promise<{ bytes: number; links: string[] }> {
  const found = { bytes: 0, links: [] as string[] };
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isSymbolicLink()) found.links.push(path);
    else if (entry.isFile()) found.bytes += (await lstat(path)).size;
    else if (entry.isDirectory()) {
      const below = await walk(path);
      found.bytes += below.bytes;
      found.links.push(...below.links);
    }
  }
  return found;
}
