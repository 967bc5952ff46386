// `mainstay-agent archive` and `backup`: what the archive is doing, and a base backup, asked for on the node itself (by a
// person or a timer). They work beside the running agent and change nothing of the service.

import type { Command } from 'commander';
import type { BackupRequest } from './drivers/postgres/archive/backup';
import type { Archiving } from './drivers/postgres/driver';

interface BackupOptions {
  config: string;
  type: string;
  newerThan?: string;
  fromBackup?: boolean;
}

const say = (answer: unknown): void => {
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
};

const isType = (type: string): type is BackupRequest['type'] => ['full', 'diff', 'incr'].includes(type);

export function archiveCommands(program: Command, file: string, driverOf: (file: string) => Promise<Archiving>): void {
  program
    .command('archive')
    .description('how far the archive is behind, and the backups in the repository')
    .option('--config <file>', 'settings of this node', file)
    .action(async ({ config }: { config: string }) => {
      const driver = await driverOf(config);
      const backups = await driver.backups();
      if (!backups.ok) throw new Error(backups.error);
      say({ archive: await driver.archiveStatus(), backups: backups.value });
      process.exit(0);
    });
  program
    .command('backup')
    .description('make a base backup; on the main, or with --from-backup on a backup node')
    .option('--config <file>', 'settings of this node', file)
    .option('--type <type>', 'full, diff or incr', 'incr')
    .option('--newer-than <label>', 'a later one than this is enough: for a request that may be repeated')
    .option('--from-backup', 'read the files of this backup node')
    .action(async ({ config, type, newerThan, fromBackup }: BackupOptions) => {
      if (!isType(type)) throw new Error(`there is no backup of type '${type}': full, diff or incr`);
      const driver = await driverOf(config);
      const known = await driver.backups();
      if (!known.ok) throw new Error(known.error);
      const made = await driver.ensureBackup({
        type,
        newerThan: newerThan ?? known.value.at(-1)?.label ?? null,
        from: fromBackup ? 'backup' : 'main',
      });
      if (!made.ok) throw new Error(`${made.error.message} (next: ${made.error.next})`);
      say(made.value);
      process.exit(0);
    });
}
