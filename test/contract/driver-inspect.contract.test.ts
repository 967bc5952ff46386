// `mainstay-agent inspect` on real PostgreSQL: what only the old main has is read from a copy, and the original is the same afterwards,
// byte for byte (T41). Titles say what would go wrong otherwise.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type InspectionRequest, inspect } from '../../agent/drivers/postgres/inspection';
import { inspectRefusalOf, runInspect } from '../../agent/inspect-command';
import { parseSettings } from '../../agent/settings';
import type { DriverProblem } from '../../core/ports';
import type { Result } from '../../core/result';
import { binDir, must, osUser, refused, sql, type TestNode, until } from '../support/postgres';
import { marker, usePostgres, wal, write } from '../support/postgres-world';

jest.setTimeout(60_000);

const { forked, serving, cluster, again, helpers } = usePostgres();
const homeOf = ({ options }: TestNode) => dirname(options.dataDir);
const placeOf = (node: TestNode) => join(homeOf(node), 'i');

/** Every file with what it holds, whose it is and when it was changed. */
function fingerprint(dir: string): string[] {
  const entries = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return entries.map((name) => {
    const path = join(dir, name);
    const { mode, uid, mtimeMs, size } = lstatSync(path);
    const held = lstatSync(path).isSymbolicLink()
      ? readlinkSync(path)
      : lstatSync(path).isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex')
        : '';
    return [name, mode, uid, mtimeMs, size, held].join(' ');
  });
}

interface Inspecting {
  ended: Promise<Result<void, DriverProblem>>;
  stop: () => void;
  said: string[];
}

function inspecting(node: TestNode, change: Partial<InspectionRequest> = {}): Inspecting {
  const ending = new AbortController();
  const said: string[] = [];
  const ended = inspect(node.options, {
    dir: placeOf(node),
    signal: ending.signal,
    say: (text) => void said.push(text),
    ready: ({ dir, port, user }) => void said.push(`ready ${dir} ${port} ${user}`),
    ...change,
  });
  return { ended, stop: () => ending.abort(), said };
}

/** As a person does it. */
const psql = (dir: string, text: string): string[] =>
  execFileSync(
    join(binDir, 'psql'),
    ['-X', '-A', '-t', '-h', dir, '-p', '5432', '-U', 'postgres', '-c', text, 'postgres'],
    {
      ...osUser,
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
    .trim()
    .split('\n');

const readied = async ({ said, ended }: Inspecting) =>
  until(
    'the copy answers',
    async () => {
      const over = await Promise.race([ended, Promise.resolve(null)]);
      if (over !== null) throw new Error(`it has ended: ${JSON.stringify(over)}`);
      return said.some((text) => text.startsWith('ready'));
    },
    30_000,
  );

/** It is refused, and neither a copy nor a change is left. */
async function expectRefused(node: TestNode, saying: RegExp, change: Partial<InspectionRequest> = {}): Promise<void> {
  const [before, beside] = [fingerprint(node.options.dataDir), readdirSync(homeOf(node))];
  const { message, next } = refused(await inspecting(node, change).ended);
  expect(message).toMatch(saying);
  expect(next).not.toBe('');
  expect(fingerprint(node.options.dataDir)).toEqual(before);
  expect(readdirSync(homeOf(node))).toEqual(beside);
}

describe('a copy of what the old main has', () => {
  it('T41: shows what only it has, refuses to write, reaches nobody, and leaves the original as it was and nothing beside it', async () => {
    const [a, b] = await forked();
    const { dataDir } = a.options;
    const pushed = join(homeOf(a), 'pushed');
    const reaching = [
      `primary_conninfo = 'host=127.0.0.1 port=${b.config.port} user=postgres'`,
      "listen_addresses = '*'",
      'archive_mode = always',
      `archive_command = 'touch ${pushed}'`,
      `restore_command = 'touch ${pushed}; false'`,
      `archive_cleanup_command = 'touch ${pushed}'`,
      "synchronous_standby_names = 'db2'",
      "shared_preload_libraries = 'no_such_library'",
    ].join('\n');
    for (const name of ['postgresql.conf', 'postgresql.auto.conf'])
      writeFileSync(join(dataDir, name), reaching, { flag: 'a' });
    const before = fingerprint(dataDir);
    const inspection = inspecting(a);
    await readied(inspection);
    const dir = placeOf(a);
    expect(inspection.said).toContain(`ready ${dir} 5432 postgres`);
    expect(psql(dir, 'select v from t order by v')).toEqual(['only on the old main', 'shared']);
    expect(() => psql(dir, "insert into t values ('more')")).toThrow(/read-only transaction/);
    const names = ['listen_addresses', 'primary_conninfo', 'restore_command', 'archive_cleanup_command'];
    for (const name of [...names, 'synchronous_standby_names', 'primary_slot_name', 'shared_preload_libraries'])
      expect([name, ...psql(dir, `show ${name}`)]).toEqual([name, '']);
    expect(psql(dir, 'show archive_mode')).toEqual(['off']);
    expect(psql(dir, 'select count(*) from pg_stat_wal_receiver')).toEqual(['0']);
    expect(lstatSync(dir).mode & 0o777).toBe(0o700);
    inspection.stop();
    must(await inspection.ended);
    expect(existsSync(dir)).toBe(false);
    expect(existsSync(pushed)).toBe(false);
    expect(fingerprint(dataDir)).toEqual(before);
    expect(await a.driver.pid()).toBeNull();
  });

  it('starts though the old main had more connections and a slot that needs more than these settings', async () => {
    const more =
      'max_connections = 217\nmax_worker_processes = 11\nmax_prepared_transactions = 3\nmax_locks_per_transaction = 99\n';
    const [a] = await cluster(['db1']);
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), more, { flag: 'a' });
    const { driver } = again(a, { walLevel: 'logical' });
    must(await driver.startAsMain(() => true));
    psqlAt(a, "select pg_create_logical_replication_slot('feed', 'test_decoding')");
    must(await driver.fence());
    const inspection = inspecting(a);
    await readied(inspection);
    expect(psql(placeOf(a), 'show max_connections')).toEqual(['217']);
    inspection.stop();
    must(await inspection.ended);
  });

  it('T33: stays on the history of its own, though that of the service lies beside it', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    await write(a, 'only on the old main');
    // What it has of its own is not in the WAL alone.
    await sql(a, 'checkpoint');
    must(await a.driver.fence());
    must(await b.driver.standBy());
    must(await b.driver.promote());
    // What a node that has begun to come back has of the service already.
    copyFileSync(join(wal(b), '00000002.history'), join(wal(a), '00000002.history'));
    if (osUser) chownSync(join(wal(a), '00000002.history'), osUser.uid, osUser.gid);
    const inspection = inspecting(a);
    await readied(inspection);
    expect(psql(placeOf(a), 'select v from t')).toEqual(['only on the old main']);
    inspection.stop();
    must(await inspection.ended);
  });

  it('of a node whose WAL lies elsewhere takes the WAL along, and does not write into it', async () => {
    const [a] = await forked();
    const elsewhere = join(homeOf(a), 'wal');
    renameSync(wal(a), elsewhere);
    symlinkSync(elsewhere, wal(a));
    const before = fingerprint(elsewhere);
    const inspection = inspecting(a);
    await readied(inspection);
    expect(psql(placeOf(a), 'select v from t order by v')).toEqual(['only on the old main', 'shared']);
    inspection.stop();
    must(await inspection.ended);
    expect(fingerprint(elsewhere)).toEqual(before);
  });

  it('in a directory that was there leaves that directory, empty', async () => {
    const [a] = await forked();
    mkdirSync(placeOf(a), { mode: 0o755 });
    const inspection = inspecting(a);
    await readied(inspection);
    expect(lstatSync(placeOf(a)).mode & 0o777).toBe(0o700);
    inspection.stop();
    must(await inspection.ended);
    expect(readdirSync(placeOf(a))).toEqual([]);
  });

  it.each([
    ['before it begins', null],
    ['while it copies', 'copying'],
    ['while it starts', 'starting'],
  ])('that is ended %s is gone as well', async (_, at) => {
    const [a] = await forked();
    const ending = new AbortController();
    if (at === null) ending.abort();
    const say = (text: string) => {
      if (at !== null && text.startsWith(at)) setImmediate(() => ending.abort());
    };
    const before = fingerprint(a.options.dataDir);
    const inspection = inspecting(a, { signal: ending.signal, say });
    must(await inspection.ended);
    expect(ending.signal.aborted).toBe(true);
    expect(inspection.said).toEqual([]);
    expect(existsSync(placeOf(a))).toBe(false);
    expect(fingerprint(a.options.dataDir)).toEqual(before);
  });

  it('whose engine dies is told, and gone', async () => {
    const [a] = await forked();
    const inspection = inspecting(a);
    await readied(inspection);
    const [pid] = readFileSync(join(placeOf(a), 'data', 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
    expect(refused(await inspection.ended).message).toMatch(/engine has ended/);
    expect(existsSync(placeOf(a))).toBe(false);
  });
});

describe('an inspection is refused', () => {
  it('while the engine runs: it can be read itself', async () => {
    const [, b] = await forked();
    const { message, next } = refused(await inspecting(b).ended);
    expect(message).toMatch(/process \d+ runs on .*: the data of db2 is in use/);
    expect(next).toContain(b.options.socketDir);
    expect(existsSync(placeOf(b))).toBe(false);
  });

  it('where there is not enough room: how much is needed, and free', async () => {
    const [a] = await forked();
    await expectRefused(a, /a copy needs \d{3} MiB in .*, and 12 MiB are free/, {
      freeBytes: async () => 12 * 1024 ** 2,
    });
  });

  it('in a directory that is not empty, which stays as it is', async () => {
    const [a] = await forked();
    mkdirSync(placeOf(a));
    writeFileSync(join(placeOf(a), 'mine'), 'text');
    await expectRefused(a, /is not empty/);
    expect(readFileSync(join(placeOf(a), 'mine'), 'utf8')).toBe('text');
  });

  it('in the data directory, by whatever path', async () => {
    const [a] = await forked();
    const { dataDir } = a.options;
    await expectRefused(a, /lies in the data directory/, { dir: join(dataDir, 'copy') });
    symlinkSync(dataDir, join(homeOf(a), 'link'));
    await expectRefused(a, /lies in the data directory/, { dir: join(homeOf(a), 'link', 'deep', 'copy') });
  });

  it('where the path is too long for a socket', async () => {
    const [a] = await forked();
    await expectRefused(a, /too long for a socket/, { dir: join(homeOf(a), 'x'.repeat(100)) });
  });

  it('of a data directory with a tablespace, or another link that the copy would share', async () => {
    const [a] = await forked();
    const elsewhere = join(homeOf(a), 'space');
    mkdirSync(elsewhere);
    const link = join(a.options.dataDir, 'pg_tblspc', '16999');
    symlinkSync(elsewhere, link);
    await expectRefused(a, /pg_tblspc\/16999 in .* is a link: .*tablespaces/);
    rmSync(link);
    symlinkSync(elsewhere, join(a.options.dataDir, 'extra'));
    await expectRefused(a, /extra in .* is a link/);
  });

  it('T35: of what a rewind has left half done', async () => {
    const [a] = await forked();
    writeFileSync(marker(a), '{}');
    await expectRefused(a, /a rewind or reseed was interrupted/);
  });

  it('when the node is recovered while it is copied', async () => {
    const [a] = await forked();
    const say = (text: string) => {
      if (text.startsWith('copying')) writeFileSync(marker(a), '{}');
    };
    await expectRefused(a, /the data was changed while it was copied/, { say });
  });

  it('when the node was recovered while it was copied, and is stopped again', async () => {
    const [a, b] = await forked();
    const control = ({ options }: TestNode) => join(options.dataDir, 'global', 'pg_control');
    const say = (text: string) => {
      if (text.startsWith('copying')) writeFileSync(control(a), readFileSync(control(b)));
    };
    expect(refused(await inspecting(a, { say }).ended).message).toMatch(/the data was changed while it was copied/);
    expect(existsSync(placeOf(a))).toBe(false);
  });

  it('when the copy cannot be made: the reason', async () => {
    const [a] = await forked();
    const say = (text: string) => {
      if (text.startsWith('copying')) writeFileSync(join(placeOf(a), 'data'), 'in the way');
    };
    await expectRefused(a, /the copy failed: .*data/, { say });
  });

  it('when the copy does not start: what its engine said', async () => {
    const [a] = await forked();
    for (const name of readdirSync(wal(a))) if (/^[0-9A-F]{24}$/.test(name)) rmSync(join(wal(a), name));
    await expectRefused(a, /the copy does not start: .*(checkpoint|invalid|could not)/);
  });

  it.each([
    [{ epoch: 7, holder: 'db1' }, /db1 is the holder of shop at epoch 7.*; next: /],
    [null, /no agent of db1 has read a lease yet.*; next: start its agent/],
  ])('by the last lease that the node has seen: %j', (seen, saying) => {
    expect(inspectRefusalOf('db1', 'shop', seen)).toMatch(saying);
    expect(inspectRefusalOf('db2', 'shop', { epoch: 7, holder: 'db1' })).toBeNull();
  });
});

describe('mainstay-agent inspect', () => {
  const settingsOf = ({ options }: TestNode) => {
    const { dataDir, socketDir, logDir, evidenceDir, stateDir } = options;
    const engine = { dataDir, binDir, socketDir, logDir, evidenceDir };
    return { cluster: 'shop', node: 'db1', stateDir, engine };
  };

  it('T41: as a person runs it: prints the psql line that works, and removes the copy at SIGTERM', async () => {
    const [a] = await forked();
    const file = join(homeOf(a), 'agent.json');
    writeFileSync(file, JSON.stringify(settingsOf(a)));
    writeFileSync(join(a.options.stateDir, 'epoch.json'), JSON.stringify({ epoch: 8, holder: 'db2' }));
    const before = fingerprint(a.options.dataDir);
    const root = join(__dirname, '..', '..');
    const args = ['--import', 'tsx', 'agent/main.ts', 'inspect', '--config', file];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    helpers.push(child);
    const said = { out: '', err: '' };
    child.stdout.on('data', (data) => {
      said.out += data;
    });
    child.stderr.on('data', (data) => {
      said.err += data;
    });
    const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
    await until('it is ready, or over', () => said.out.includes('Ctrl-C') || child.exitCode !== null, 40_000);
    const [, line = ''] = /^ {2}psql (.*)$/m.exec(said.out) ?? [];
    const dir = join(a.options.evidenceDir, 'inspection');
    expect(line).toBe(`-h ${dir} -p 5432 -U postgres postgres`);
    const words = [...line.split(' '), '-X', '-A', '-t', '-c', 'select v from t order by v'];
    const rows = execFileSync(join(binDir, 'psql'), words, { ...osUser, cwd: '/', encoding: 'utf8' });
    expect(rows).toBe('only on the old main\nshared\n');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(said.out).toMatch(/the copy is gone\n$/);
    expect(existsSync(dir)).toBe(false);
    expect(fingerprint(a.options.dataDir)).toEqual(before);
  });

  it('on the holder says so, and copies nothing', async () => {
    const [a] = await forked();
    const settings = parseSettings(settingsOf(a), 'agent.json');
    const seen = { epoch: 7, holder: 'db1' };
    const place = { settings, options: a.options, seen, say: () => undefined };
    const { signal } = new AbortController();
    await expect(runInspect(place, placeOf(a), signal)).rejects.toThrow(/db1 is the holder of shop at epoch 7/);
    expect(existsSync(placeOf(a))).toBe(false);
  });
});

/** Straight at the node's own socket. */
function psqlAt({ options }: TestNode, text: string): void {
  const args = ['-X', '-h', options.socketDir, '-p', String(options.port), '-U', 'postgres', '-c', text, 'postgres'];
  execFileSync(join(binDir, 'psql'), args, { ...osUser, cwd: '/', stdio: 'pipe' });
}
