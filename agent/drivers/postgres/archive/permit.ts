// Who may push to the archive (T34): the one engine that this node's agent opened for writing, named by process id and
// start time. Given in `promote` and `startAsMain`, which are called under a held promise only; whatever ends that engine
// (a fence, the deadman, a crash) ends the permit, without a clock and without the agent. A superuser who promotes a
// backup by hand, an engine started by hand, and a push that outlived its engine have none.
// Nothing here may fail a promotion: an archive that does not work is seen in its status.

import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chown, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '../../../../core/model';
import type { Settled } from '../options';
import { startOf } from '../processes';
import { type Ancestry, parseSegment } from '../wal';

/** In the tick in which the engine was spawned: its archiver asks within milliseconds. */
export function permit(options: Settled, pid: number): void {
  const { archive } = options;
  if (!archive || isPermitted(options, pid)) return;
  try {
    // Notes of an earlier life as main are about segments of a history that may be another one by now.
    rmSync(join(archive.spoolDir, 'archive'), { recursive: true, force: true });
    writeFileSync(`${archive.permit}.new`, `${pid} ${startOf(pid)}\n`);
    // The engine's account reads it, and must not be able to write it.
    chmodSync(`${archive.permit}.new`, 0o644);
    renameSync(`${archive.permit}.new`, archive.permit);
  } catch {
    withdraw({ archive });
  }
}

export function withdraw({ archive }: Pick<Settled, 'archive'>): void {
  if (!archive) return;
  try {
    rmSync(archive.permit, { force: true });
  } catch {
    // A fence goes on all the same: the permit ends with the engine that it names.
  }
}

export function isPermitted({ archive }: Settled, pid: number | null): boolean {
  if (!archive || pid === null) return false;
  try {
    return readFileSync(archive.permit, 'utf8').trim() === `${pid} ${startOf(pid)}`;
  } catch {
    return false;
  }
}

/**
 * The lost main may have taken segments with it that it had not archived yet: whoever is promoted pushes its own copies,
 * byte for byte the same. What is in the archive already is recognised there. Newest first, up to half of the queue.
 */
export async function inherit(options: Settled, at: Position, ancestry: Ancestry, segmentBytes: number): Promise<void> {
  const { archive, osUser, paths } = options;
  if (!archive) return;
  const notes = join(paths.wal, 'archive_status');
  const noted = new Set(await readdir(notes).catch(() => []));
  const whole = (name: string): boolean => {
    const segment = /^[0-9A-F]{24}$/.test(name) ? parseSegment(name, segmentBytes) : null;
    const index = ancestry.findIndex(({ timeline }) => timeline === segment?.timeline);
    const end = Math.min(at.bytes, ancestry[index]?.end ?? 0);
    const begin = ancestry[index - 1]?.end ?? 0;
    return segment !== null && segment.bytes + segmentBytes <= end && segment.bytes + segmentBytes > begin;
  };
  const names = (await readdir(paths.wal).catch(() => [])).filter(whole).sort().reverse();
  for (const name of names.slice(0, Math.floor(archive.queueMaxBytes / 2 / segmentBytes))) {
    const ready = join(notes, `${name}.ready`);
    if (noted.has(`${name}.ready`)) continue;
    if (noted.has(`${name}.done`)) await rename(join(notes, `${name}.done`), ready).catch(() => undefined);
    else await empty(ready, osUser).catch(() => undefined);
  }
}

async function empty(path: string, owner: Settled['osUser']): Promise<void> {
  await writeFile(path, '', { mode: 0o600 });
  if (owner) await chown(path, owner.uid, owner.gid);
}
