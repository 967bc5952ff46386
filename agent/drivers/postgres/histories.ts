// History files that a candidate left here before it failed point to timelines that the main never had; PostgreSQL
// would believe them (`recovery_target_timeline = latest`) and never follow. Ours are made the main's before a start.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir, readText, remove, writeWhole } from '../../files';
import { learnHistories } from './archive/timelines';
import type { Settled } from './options';
import type { Upstream } from './upstream';
import { historyName } from './wal';

/** True when something had to change: a running engine has read the old ones and must be started again. */
export async function adoptHistories(options: Settled, main: Upstream): Promise<boolean> {
  const { paths, stateDir } = options;
  const own = historyName(main.at.timeline);
  const names = (await readdir(paths.wal).catch(() => [])).filter((name) => /^[0-9A-F]{8}\.history$/.test(name));
  const alien = names.filter((name) => name > own);
  const differs = names.includes(own) && (await readText(join(paths.wal, own))) !== main.history;
  if (differs) alien.push(own);
  const attic = join(stateDir, 'stale-histories');
  if (alien.length > 0) await ensureDir(attic);
  for (const name of alien) {
    await writeWhole(options, join(attic, name), (await readText(join(paths.wal, name))) ?? '');
    await remove(join(paths.wal, name));
  }
  await learnHistories(options, main);
  return alien.length > 0;
}
