// What the repository says: its backups and the timelines that it knows. Read through pgBackRest, every question bounded; a
// repository that does not answer is a value, never an exception.

import { fail, ok, type Result } from '../../../../core/result';
import { lastWords, type Ran, run } from '../commands';
import type { Settled } from '../options';
import { type Ancestry, parseLsn } from '../wal';
import { archiveOf, stanzaArgs } from './options';

/** A short question; a repository that hangs must not hold anybody up for longer. */
const QUESTION_MS = 10_000;

export interface Backup {
  /** `20260314-020001F`: the time at which it began, and its kind. */
  label: string;
  type: 'full' | 'diff' | 'incr';
  timeline: number;
  /** A copy is consistent from here on. */
  stopBytes: number;
  /** First segment that a restore of it needs. */
  firstSegment: string;
}

interface Stanza {
  name: string;
  db: { id: number; 'system-id': number | string }[];
  backup: {
    label: string;
    type: Backup['type'];
    error?: boolean | null;
    database: { id: number };
    lsn: { stop: string };
    archive: { start: string; stop: string };
  }[];
}

export const pgBackRest = (options: Settled, args: readonly string[], boundMs: number): Promise<Ran> =>
  run(options, archiveOf(options).program, args, boundMs);

/** Backups of this data set, oldest first; none when the stanza does not exist yet. */
export async function backupsOf(options: Settled, dataId: string): Promise<Result<Backup[], string>> {
  const args = [...stanzaArgs(archiveOf(options)), '--output=json', 'info'];
  const { ok: answered, output } = await pgBackRest(options, args, QUESTION_MS);
  if (!answered) return fail(lastWords(output));
  try {
    // A system identifier is larger than what a JSON number keeps.
    const exact = output.slice(output.indexOf('[{')).replace(/"system-id":(\d+)/g, '"system-id":"$1"');
    const [stanza] = output.includes('[{') ? (JSON.parse(exact) as Stanza[]) : [];
    const ours = new Set(stanza?.db?.filter((db) => db['system-id'] === dataId).map(({ id }) => id));
    const good = stanza?.backup?.filter(({ database, error }) => ours.has(database.id) && error !== true) ?? [];
    return ok(
      good.map(({ label, type, lsn, archive }) => ({
        label,
        type,
        timeline: Number.parseInt(archive.stop.slice(0, 8), 16),
        stopBytes: parseLsn(lsn.stop),
        firstSegment: archive.start,
      })),
    );
  } catch {
    return fail(`pgBackRest's answer cannot be read: ${lastWords(output)}`);
  }
}

/** The newest backup that lies within this history: one of a branch that was lost would never follow its main (T33). */
export const newestWithin = (backups: readonly Backup[], ancestry: Ancestry): Backup | null =>
  backups.findLast(({ timeline, stopBytes }) =>
    ancestry.some((stretch) => stretch.timeline === timeline && stopBytes <= stretch.end),
  ) ?? null;

/** Timelines whose history is in the archive. */
export async function archivedTimelines(options: Settled, boundMs: number): Promise<Result<number[], string>> {
  const archive = archiveOf(options);
  const list = async (path: string): Promise<Result<string[], string>> => {
    const { ok: answered, output } = await pgBackRest(options, [...stanzaArgs(archive), 'repo-ls', path], boundMs);
    return answered ? ok(output.split('\n').filter(Boolean)) : fail(lastWords(output));
  };
  const home = `archive/${archive.stanza}`;
  const versions = await list(home);
  if (!versions.ok) return versions;
  const found: number[] = [];
  for (const version of versions.value.filter((name) => /^[\d.]+-\d+$/.test(name))) {
    const names = await list(`${home}/${version}`);
    if (!names.ok) return names;
    for (const name of names.value)
      if (/^[0-9A-F]{8}\.history$/.test(name)) found.push(Number.parseInt(name.slice(0, 8), 16));
  }
  return ok(found);
}
