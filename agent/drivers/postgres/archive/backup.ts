// Base backups, and the copy of one in place of a lost data directory. A backup is made by the rightful main, or by a
// backup node that reads the main through pgBackRest itself; bounded, and done again after any interruption.

import { chown, mkdir } from 'node:fs/promises';
import type { Problem } from '../../../../core/errors';
import type { Driven } from '../../../../core/ports';
import { fail, ok, type Result } from '../../../../core/result';
import { readText, remove, writeWhole } from '../../../files';
import { lastWords } from '../commands';
import type { Engine } from '../engine';
import type { Settled } from '../options';
import { problem } from '../problems';
import type { Upstream } from '../upstream';
import { archiveOf, nodeArgs } from './options';
import { isPermitted } from './permit';
import { type Backup, backupsOf, newestWithin, pgBackRest } from './repository';

export type BackupProblem = Problem<'NotConfigured' | 'NotMain' | 'Busy' | 'NotBackedUp'>;

export interface BackupRequest {
  type: Backup['type'];
  /** A later one than this is enough: what the caller saw before it asked. Null: any at all. */
  newerThan: string | null;
  /** On a backup node: most is read here. The other nodes must stand in the operator's file (`pg2-host`, …). */
  from?: 'main' | 'backup';
  boundMs?: number;
}

const DAY_MS = 24 * 3_600_000;
const STANZA_MS = 60_000;

const refuse = (code: BackupProblem['code'], message: string, next: string): Result<never, BackupProblem> =>
  fail({ code, message, next });

/** pgBackRest's exit code for a lock that somebody else has. */
const isBusy = (output: string): boolean => /\[050\]/.test(output);

/** Idempotent: the stanza is created when it is missing, and nothing is copied when there is a newer backup already. */
export async function ensureBackup(engine: Engine, request: BackupRequest): Promise<Result<Backup, BackupProblem>> {
  const { options } = engine;
  const { type, newerThan, from = 'main', boundMs = DAY_MS } = request;
  if (!options.archive)
    return refuse('NotConfigured', 'this node has no archive', 'Give it one: `archive` in its settings.');
  const dataId = (await engine.control.read())?.dataId ?? '';
  const newest = async () => {
    const backups = await backupsOf(options, dataId);
    return backups.ok ? (backups.value.at(-1) ?? null) : null;
  };
  const before = await newest();
  if (before && before.label !== newerThan) return ok(before);
  if (from === 'main' && !isPermitted(options, engine.pid()))
    return refuse('NotMain', 'this node is not main', 'Ask the main, or say `from: backup`.');
  const made = from === 'main' ? await act(options, ['stanza-create'], STANZA_MS) : ok(undefined);
  if (!made.ok) return made;
  const copied = await act(
    options,
    [`--type=${type}`, '--start-fast', ...(from === 'backup' ? ['--backup-standby'] : []), 'backup'],
    boundMs,
  );
  if (!copied.ok) return copied;
  const after = await newest();
  if (!after || after.label === before?.label)
    return refuse('NotBackedUp', 'the repository does not show the backup that was made', 'Run `pgbackrest info`.');
  await forgetGaps(options, after);
  return ok(after);
}

/** What was given up before this backup began is no gap for a restore of it. */
async function forgetGaps(options: Settled, { firstSegment }: Backup): Promise<void> {
  const { dropped } = archiveOf(options);
  const names = (await readText(dropped))?.split('\n').filter(Boolean) ?? [];
  const left = names.filter((name) => name >= firstSegment);
  if (left.length < names.length) await writeWhole(options, dropped, left.map((name) => `${name}\n`).join(''));
}

async function act(options: Settled, words: string[], boundMs: number): Promise<Result<undefined, BackupProblem>> {
  const archive = archiveOf(options);
  const engine = [
    `--pg1-port=${options.port}`,
    `--pg1-socket-path=${options.socketDir}`,
    `--pg1-user=${options.superuser}`,
  ];
  const ran = await pgBackRest(options, [...nodeArgs(options, archive), ...engine, ...words], boundMs);
  if (ran.ok) return ok(undefined);
  const what = words.at(-1);
  return isBusy(ran.output)
    ? refuse('Busy', `another ${what} is under way`, 'Wait for it, then ask again.')
    : refuse('NotBackedUp', `pgbackrest ${what}: ${lastWords(ran.output)}`, 'Mend what it says, then ask again.');
}

/**
 * The newest fitting backup over whatever is in the data directory: what is there and right stays. Only under the marker
 * (T35): until it is complete this is no database, and the control file comes last.
 */
export async function restoreInPlace(options: Settled, main: Upstream): Driven<Backup> {
  const { dataDir, osUser, copyTimeoutMs, paths } = options;
  const backups = await backupsOf(options, main.dataId);
  if (!backups.ok) return problem('NotRejoined', `the repository: ${backups.error}`, 'It is copied from the main.');
  const backup = newestWithin(backups.value, main.ancestry);
  if (!backup) return problem('NotRejoined', "no backup lies within the main's history", 'It is copied from the main.');
  const created = await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (created && osUser) await chown(dataDir, osUser.uid, osUser.gid);
  // The engine is proven stopped; what a killed one left would stop pgBackRest.
  if (!created) await remove(paths.pidFile);
  const args = [
    ...nodeArgs(options, archiveOf(options)),
    '--delta',
    `--set=${backup.label}`,
    '--type=standby',
    'restore',
  ];
  const ran = await pgBackRest(options, args, copyTimeoutMs);
  return ran.ok
    ? ok(backup)
    : problem('NotRejoined', `pgbackrest restore: ${lastWords(ran.output)}`, 'It is copied from the main.');
}
