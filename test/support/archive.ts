// A pgBackRest repository beside a test's PostgreSQL world: a directory of its own for each test, a gate at which pgBackRest
// can be held, and what a test looks at in the archive.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ArchiveOptions } from '../../agent/drivers/postgres/archive/options';
import { binDir, must, osUser, sql, type TestNode, until } from './postgres';
import { alive } from './postgres-world';

export const PGBACKREST = '/usr/bin/pgbackrest';
export const installed = existsSync(PGBACKREST);
const STANZA = 'shop';

const own = (path: string): void => {
  if (osUser) chownSync(path, osUser.uid, osUser.gid);
};

export class Repository {
  readonly dir: string;
  readonly path: string;
  readonly configFile: string;
  private readonly gate: string;

  constructor(parent: string) {
    this.dir = mkdtempSync(join(parent, 'r'));
    chmodSync(this.dir, 0o755);
    this.path = join(this.dir, 'repository');
    this.configFile = join(this.dir, 'pgbackrest.conf');
    this.gate = join(this.dir, 'gate');
    mkdirSync(this.path);
    for (const path of [this.dir, this.path]) own(path);
    this.configure();
  }

  /** The stanza, without a backup. */
  create = (node: TestNode) => {
    const { dataDir, port, socketDir } = node.options;
    const where = [
      `--pg1-path=${dataDir}`,
      `--pg1-port=${port}`,
      `--pg1-socket-path=${socketDir}`,
      '--pg1-user=postgres',
    ];
    this.run(node, ...where, `--lock-path=${join(dataDir, '..', 'spool', 'lock')}`, 'stanza-create');
  };

  configure(more = ''): void {
    const text = `[global]\nrepo1-path=${this.path}\nrepo1-retention-full=9\ncompress-type=none\nstart-fast=y\n${more}`;
    writeFileSync(this.configFile, text);
  }

  /** For `cluster` and `serving`: every node archives here. */
  options =
    (more: Partial<ArchiveOptions> = {}) =>
    (dir: string) => ({
      archive: { stanza: STANZA, configFile: this.configFile, spoolDir: join(dir, 'spool'), ...more },
    });

  /** As `options`; the roles of pgBackRest that match wait while the gate is closed, and say that they are there. */
  gated = (role: string) => (dir: string) => {
    const program = join(dir, 'pgbackrest');
    const guard = join(dir, 'state', 'pgbackrest-guard');
    const wait = `echo $$ >>'${this.gate}.reached'; while [[ -e '${this.gate}' ]]; do read -r -t 0.02 <> <(:); done`;
    const go = `[[ $0 == */pgbackrest && $* == *archive-* ]] && exec -a '${guard}' ${PGBACKREST} "$@"`;
    const held = `[[ -e '${this.gate}' && " $* " == *' ${role} '* ]] && { ${wait}; }`;
    writeFileSync(program, `#!/bin/bash\n${held}\n${go}\nexec -a '${program}' ${PGBACKREST} "$@"\n`, { mode: 0o755 });
    return this.options({ program })(dir);
  };

  /** While an object store takes connections and answers none. */
  async hanging(happens: () => Promise<void>): Promise<void> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const store = { bucket: 'b', region: 'r', endpoint: '127.0.0.1', key: 'k', 'key-secret': 's' };
    const lines = Object.entries(store).map(([name, value]) => `repo1-s3-${name}=${value}`);
    this.configure(
      ['repo1-type=s3', `repo1-storage-port=${port}`, 'repo1-storage-verify-tls=n', ...lines, ''].join('\n'),
    );
    await happens().finally(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }

  close = () => writeFileSync(this.gate, '');
  open = () => rmSync(this.gate, { force: true });
  /** Processes that wait, or waited, at the gate. */
  reached = (): number[] => {
    const file = `${this.gate}.reached`;
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  };

  /** Names in the archive, without checksums, in order. */
  archived(): string[] {
    const home = join(this.path, 'archive', STANZA);
    const found = existsSync(home) ? readdirSync(home, { recursive: true, encoding: 'utf8' }) : [];
    return found
      .map((path) => path.split('/').at(-1) ?? '')
      .filter((name) => /^[0-9A-F]{24}(\.partial)?-|\.history$/.test(name))
      .map((name) => name.replace(/-[0-9a-f]{40}$/, ''))
      .sort();
  }

  run(node: TestNode, ...words: string[]): string {
    const args = [`--config=${this.configFile}`, `--stanza=${STANZA}`, '--log-level-file=off', ...words];
    const cwd = join(node.options.dataDir, '..');
    return execFileSync(PGBACKREST, args, { ...osUser, cwd, encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
  }

  /** A scratch copy beside the node, recovered as the words say, and opened; the answer to one question in it. */
  async restored(node: TestNode, question: string, ...words: string[]): Promise<unknown[]> {
    const dir = join(node.options.dataDir, '..', 'scratch');
    mkdirSync(dir, { mode: 0o700 });
    own(dir);
    const lock = `--lock-path=${join(dir, '..', 'spool', 'lock')}`;
    this.run(node, `--pg1-path=${dir}`, lock, ...words, 'restore');
    const ctl = (...args: string[]) =>
      execFileSync(join(binDir, 'pg_ctl'), ['-D', dir, '-w', '-l', join(dir, 'log'), ...args], { ...osUser, cwd: dir });
    const settings = `-c port=${node.config.port} -c listen_addresses= -c unix_socket_directories=${dir} -c archive_mode=off`;
    ctl('-o', settings, 'start');
    try {
      const args = ['-h', dir, '-p', String(node.config.port), '-U', 'postgres', '-XAtc'];
      // Until it has left recovery it may still be on its way.
      await until('the copy is open', () => psql([...args, 'select not pg_is_in_recovery()']) === 't');
      return psql([...args, question])
        .split('\n')
        .filter(Boolean);
    } finally {
      ctl('-m', 'immediate', 'stop');
    }
  }
}

const psql = (args: string[]): string =>
  execFileSync(join(binDir, 'psql'), args, { encoding: 'utf8', cwd: '/' }).trim();

/** Ends the segment, so that what was written until now can be archived; its name. */
export async function endSegment(node: TestNode): Promise<string> {
  const [row] = await sql(node, 'select pg_walfile_name(pg_switch_wal()) name');
  return String(row?.name);
}

/** The words of every pgBackRest process that does this for a node, its guards included. */
const workers = (node: TestNode, what: string): string[][] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => (alive(Number(pid)) ? commandOf(pid) : []))
    .filter((words) => words.some((word) => word.startsWith(what)))
    .filter((words) => words.some((word) => word.includes(node.options.dataDir)));
export const pushers = (node: TestNode) => workers(node, 'archive-push');
export const readers = (node: TestNode) => workers(node, 'archive-get');

function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export const status = async (node: TestNode) => {
  const found = await node.driver.archiveStatus();
  if (!found) throw new Error(`${node.name} has no archive`);
  return found;
};

export const backUp = async (node: TestNode, newerThan: string | null = null) =>
  must(await node.driver.ensureBackup({ type: 'full', newerThan }));
