// Numbers of timelines, kept unique across the nodes (T33, T34): PostgreSQL takes the next number that it has not heard of,
// and two nodes that were promoted apart would write different segments under the same names into one archive. Before a
// promotion the numbers that the archive knows are marked as taken; a follower is given its main's histories, because the
// archive itself never tells it one (a main that failed may have left its own there).

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText, remove, writeWhole } from '../../../files';
import type { Settled } from '../options';
import type { Upstream } from '../upstream';
import { historyName } from '../wal';
import { archivedTimelines } from './repository';

/** A promotion waits this long for the archive, not longer: rather a number twice than no main. */
const RESERVE_BOUND_MS = 500;
/** A history without a line: no ancestor of anybody's, so nobody follows it. */
const TAKEN = '# taken by another node of this cluster\n';

export async function reserveTimelines(options: Settled, own: number): Promise<void> {
  if (!options.archive) return;
  const known = await archivedTimelines(options, RESERVE_BOUND_MS);
  if (known.ok) await fill(options, own + 1, Math.max(own, ...known.value), () => TAKEN);
}

/** Marks that a promotion left behind which did not happen: no start would get beyond them. */
export async function releaseTimelines({ archive, paths }: Settled): Promise<void> {
  if (!archive) return;
  const names = (await readdir(paths.wal).catch(() => [])).filter((name) => /^[0-9A-F]{8}\.history$/.test(name));
  for (const name of names.sort().reverse()) {
    if ((await readText(join(paths.wal, name))) !== TAKEN) return;
    await remove(join(paths.wal, name));
  }
}

/** Before it follows: where its own timeline ends must be known before the archive can offer a segment beyond that. */
export async function learnHistories(options: Settled, { at, history }: Upstream): Promise<void> {
  if (!options.archive || history === null) return;
  const lines = history.split('\n').filter((line) => /^\s*\d/.test(line));
  // What its ancestor's history said is the part of its own that stands before that ancestor.
  const before = (timeline: number): string => {
    const index = lines.findIndex((line) => Number.parseInt(line, 10) === timeline);
    return index < 0 ? TAKEN : `${lines.slice(0, index).join('\n')}\n`;
  };
  await fill(options, 2, at.timeline, (timeline) => (timeline === at.timeline ? history : before(timeline)));
}

async function fill(options: Settled, from: number, to: number, text: (timeline: number) => string): Promise<void> {
  for (let timeline = from; timeline <= to; timeline++) {
    const path = join(options.paths.wal, historyName(timeline));
    if ((await readText(path)) === null) await writeWhole(options, path, text(timeline));
  }
}
