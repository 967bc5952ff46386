// Finds PostgreSQL's programs on this machine, or installs the system's package where that is allowed; otherwise says in
// one message what to install. Also prepares the data directories of a new local cluster.

import { execFile, execFileSync } from 'node:child_process';
import { accessSync, appendFileSync, constants, cpSync, existsSync, readdirSync, realpathSync } from 'node:fs';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** All of these, in one folder; Debian puts them there with the package `postgresql`. */
const programs = ['postgres', 'initdb', 'pg_controldata', 'pg_rewind', 'pg_basebackup', 'pg_waldump'];
const oldest = 13;
const newest = 18;

export interface PostgresFound {
  binDir: string;
  version: string;
}

const runnable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Newest supported installation, or null. */
export function findPostgres(): PostgresFound | null {
  const debian = existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql').map((v) => `/usr/lib/postgresql/${v}/bin`)
    : [];
  const redHat = existsSync('/usr')
    ? readdirSync('/usr')
        .filter((name) => name.startsWith('pgsql-'))
        .map((name) => `/usr/${name}/bin`)
    : [];
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((dir) => runnable(join(dir, 'postgres')));
  const linked = onPath.map((dir) => dirname(realpathSync(join(dir, 'postgres'))));
  const complete = [...debian, ...redHat, ...linked, ...onPath].filter((dir) =>
    programs.every((name) => runnable(join(dir, name))),
  );
  const known = complete.flatMap((binDir) => {
    const text = execFileSync(join(binDir, 'postgres'), ['--version'], { encoding: 'utf8' });
    const version = /(\d+)(\.\d+)?/.exec(text)?.[0] ?? '';
    const major = Number.parseInt(version, 10);
    return major >= oldest && major <= newest ? [{ binDir, version, major }] : [];
  });
  return known.sort((a, b) => b.major - a.major)[0] ?? null;
}

export async function ensurePostgres(progress: (line: string) => void): Promise<PostgresFound> {
  const found = findPostgres();
  if (found) return found;
  const say = `PostgreSQL (any of ${oldest}-${newest}, server and tools) is not on this machine. Install it, on Debian or Ubuntu with:\n    sudo apt-get install postgresql`;
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (!runnable('/usr/bin/apt-get') || (asRoot.length > 0 && !(await mayInstall()))) throw new Error(say);
  progress('installing PostgreSQL from the system packages');
  try {
    await apt([...asRoot], ['update', '-qq']);
    // The cluster that the package makes is left alone: ours have folders and ports of their own.
    await apt([...asRoot], ['install', '-y', '-qq', '--no-install-recommends', 'postgresql']);
  } catch (error) {
    throw new Error(
      `${say}\n(tried to, and apt-get said: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : error})`,
    );
  }
  const now = findPostgres();
  if (!now) throw new Error(say);
  return now;
}

const mayInstall = (): Promise<boolean> =>
  execute('sudo', ['-n', 'true']).then(
    () => true,
    () => false,
  );

async function apt(prefix: string[], args: string[]): Promise<void> {
  // `env` because sudo resets the environment.
  const [program = '', ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
  await execute(program, rest, { maxBuffer: 64 * 1024 * 1024 });
}

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Whom the engines run as: PostgreSQL refuses root, so root lends them the package's own account. */
export function engineAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
      return { name, uid: id('-u'), gid: id('-g') };
    } catch {
      // Not on this machine; the next.
    }
  }
  throw new Error('started as root, and there is neither an account `postgres` nor `nobody` to run PostgreSQL as');
}

/** One fresh database, copied to every node: same system identifier, nobody has served yet. */
export async function prepareData(
  { binDir }: PostgresFound,
  account: Account | null,
  dataDirs: readonly string[],
  hostRules: readonly string[] = [],
): Promise<void> {
  const [first = '', ...others] = dataDirs;
  for (const dir of dataDirs) {
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o700);
    if (account) await chown(dir, account.uid, account.gid);
  }
  const identity = account ? { uid: account.uid, gid: account.gid } : {};
  // Loopback only and thrown away afterwards: no passwords, no fsync of the template, checksums as production has them.
  const args = [
    '-D',
    first,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '-k',
    '--no-sync',
    '--no-instructions',
  ];
  await execute(join(binDir, 'initdb'), args, { ...identity, cwd: dirname(first) });
  // An engine that is killed leaves its dynamic shared memory behind; in a file it goes with the folder.
  appendFileSync(join(first, 'postgresql.conf'), '\ndynamic_shared_memory_type = mmap\n');
  appendFileSync(join(first, 'pg_hba.conf'), `${hostRules.join('\n')}\n`);
  for (const dir of others)
    cpSync(first, dir, { recursive: true, preserveTimestamps: true, mode: constants.COPYFILE_FICLONE });
  if (account) await Promise.all(others.map((dir) => execute('chown', ['-R', `${account.uid}:${account.gid}`, dir])));
}

/** A folder that belongs to the engine's account. */
export async function ownedDir(dir: string, account: Account | null): Promise<void> {
  await mkdir(dir, { recursive: true });
  if (account) await chown(dir, account.uid, account.gid);
}

export const writeJson = (file: string, value: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
