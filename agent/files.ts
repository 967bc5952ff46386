// Small files that must be whole or absent: written beside, synced, owned by the engine's user, renamed into place.
// Never leaves a half-written setting, signal or marker behind a crash.

import { chown, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whom it shall belong to; without one, to who writes it. */
interface Owned {
  osUser?: { uid: number; gid: number };
}

/** Null when it is not there. */
export const readText = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);

export async function syncDir(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

export async function writeWhole({ osUser }: Owned, path: string, text: string, mode = 0o600): Promise<void> {
  const beside = `${path}.new`;
  const handle = await open(beside, 'w', mode);
  await handle
    .writeFile(text)
    .then(() => handle.sync())
    .finally(() => handle.close());
  if (osUser) await chown(beside, osUser.uid, osUser.gid);
  await rename(beside, path);
  await syncDir(dirname(path));
}

export async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDir(dirname(path));
}

/** Created open for the engine's user to pass through, and given to `owner`; an existing one is left as it is. */
export async function ensureDir(path: string, owner?: { uid: number; gid: number }): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode: 0o755 });
  if (created && owner) await chown(path, owner.uid, owner.gid);
}
