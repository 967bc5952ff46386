// What the archive is told, and what follows from it: the arguments of pgBackRest and the managed settings. Where the
// repository is, and every secret, stands in the operator's pgBackRest file; nothing of it is read or written here.

import { join } from 'node:path';
import { ensureDir, readText, writeWhole } from '../../../files';
import type { Settled } from '../options';
import { commandLine, guardScript } from './guard-script';

export interface ArchiveOptions {
  /** pgBackRest's name for this cluster; the same on all its nodes. */
  stanza: string;
  /** The operator's pgBackRest file: repository, its credentials and encryption, retention, compression. */
  configFile: string;
  /** Small notes of the asynchronous push; outside the data directory, emptied when the node becomes main. */
  spoolDir: string;
  /** WAL that waits for the repository beyond this is given up: the service goes on, point-in-time recovery has a gap. */
  queueMaxBytes?: number;
  program?: string;
}

export type SettledArchive = Required<ArchiveOptions> & {
  guard: string;
  /** Names the engine that may push: process id and start time. */
  permit: string;
  dropped: string;
  hanging: string;
};

const GET_BOUND_S = 5;

export function settleArchive(archive: ArchiveOptions, stateDir: string): SettledArchive {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(archive.stanza))
    throw new Error(`a stanza is letters, digits, - and _, not '${archive.stanza}'`);
  return {
    queueMaxBytes: 8 * 1024 ** 3,
    program: '/usr/bin/pgbackrest',
    ...archive,
    // pgBackRest wants to read its own name in archive_command.
    guard: join(stateDir, 'pgbackrest-guard'),
    permit: join(stateDir, 'archive-permit'),
    dropped: join(archive.spoolDir, 'dropped'),
    hanging: join(archive.spoolDir, 'hanging'),
  };
}

/** The archive of a node that has one. */
export function archiveOf({ archive }: Settled): SettledArchive {
  if (!archive) throw new Error('this node has no archive');
  return archive;
}

export const stanzaArgs = ({ stanza, configFile }: SettledArchive): string[] => [
  `--config=${configFile}`,
  `--stanza=${stanza}`,
  '--log-level-console=off',
  '--log-level-stderr=warn',
  '--log-level-file=off',
];

/** Locks are this node's own: two nodes may share a machine, and never a queue. */
export const nodeArgs = (options: Settled, archive: SettledArchive): string[] => [
  ...stanzaArgs(archive),
  `--pg1-path=${options.dataDir}`,
  `--lock-path=${join(archive.spoolDir, 'lock')}`,
];

/** Empty without an archive: the operator's own archive_command is left alone then. archive_mode counts from the next start. */
export function archiveSettings({ archive }: Settled): Record<string, string> {
  if (!archive) return {};
  return {
    archive_mode: 'on',
    archive_command: commandLine([archive.guard, 'push', '%p', '%f']),
    restore_command: commandLine([archive.guard, 'get', '%f', '%p']),
    // What a restore to a point in time leaves in postgresql.auto.conf would end a follower's replay at that point.
    ...Object.fromEntries(['', '_lsn', '_name', '_time', '_xid'].map((kind) => [`recovery_target${kind}`, ''])),
  };
}

/** Idempotent: the guard and the spool are there before an engine that uses them. */
export async function ensureArchive(options: Settled): Promise<void> {
  const { archive, osUser, paths } = options;
  if (!archive) return;
  await ensureDir(archive.spoolDir, osUser);
  await ensureDir(join(archive.spoolDir, 'lock'), osUser);
  const args = nodeArgs(options, archive);
  const spool = `--spool-path=${archive.spoolDir}`;
  const script = guardScript({
    ...archive,
    pidFile: paths.pidFile,
    pushArgs: [...args, spool, '--archive-async', `--archive-push-queue-max=${archive.queueMaxBytes}`],
    getArgs: args,
    getBoundS: GET_BOUND_S,
  });
  if ((await readText(archive.guard)) !== script) await writeWhole(options, archive.guard, script, 0o700);
}
