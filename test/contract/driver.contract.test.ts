// The contract of EngineDriver (core/ports.ts) on real PostgreSQL engines. Titles carry the traps they guard against.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDeadman } from '../../agent/deadman';
import type { PostgresOptions } from '../../agent/drivers/postgres/options';
import { slotName } from '../../agent/drivers/postgres/settings';
import { formatLsn, parseLsn, parseSegment, recordEnd } from '../../agent/drivers/postgres/wal';
import type { EngineDriver } from '../../core/ports';
import {
  binDir,
  freePort,
  must,
  osUser,
  realClock,
  refused,
  sql,
  TestBed,
  type TestNode,
  until,
} from '../support/postgres';

jest.setTimeout(30_000);

let bed: TestBed;
let helpers: ChildProcess[];
beforeAll(() => {
  bed = new TestBed();
});
beforeEach(() => {
  helpers = [];
});
afterEach(async () => {
  for (const helper of helpers) helper.kill('SIGKILL');
  await bed.clear();
});
afterAll(() => bed.destroy());

const ignore = () => undefined;
const open = async (driver: EngineDriver) => must(await driver.startAsMain(ignore));

/** A main and its backups, all streaming. */
async function serving<const N extends string[]>(names: N, more: Partial<PostgresOptions> = {}) {
  const nodes = await bed.cluster([...names], more);
  const [main, ...backups] = nodes;
  if (!main) throw new Error('a cluster has a main');
  await open(main.driver);
  await sql(main, 'create table t (v text)');
  for (const backup of backups) must(await backup.driver.follow(main.config));
  for (const backup of backups) await streams(backup);
  return nodes as { [K in keyof N]: TestNode };
}

const streams = (node: TestNode) => until(`${node.name} streams`, async () => (await node.driver.status()).streaming);
const write = (node: TestNode, value: string) => sql(node, `insert into t values ('${value}')`);
const values = async (node: TestNode) => (await sql(node, 'select v from t order by v')).map(({ v }) => v);

async function caughtUp(node: TestNode, main: TestNode): Promise<void> {
  const { received } = await main.driver.status();
  const there = async () => ((await node.driver.status()).applied?.bytes ?? 0) >= (received?.bytes ?? 0);
  await until(`${node.name} has what ${main.name} has`, there);
}

async function pidOf(node: TestNode): Promise<number> {
  const pid = await node.driver.pid();
  if (pid === null) throw new Error(`${node.name} is not running`);
  return pid;
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const standbySignal = (node: TestNode) => join(node.options.dataDir, 'standby.signal');
const marker = (node: TestNode) => join(node.options.stateDir, 'rejoin-in-progress');
const wal = (node: TestNode) => join(node.options.dataDir, 'pg_wal');
const slots = async (node: TestNode) =>
  (await sql(node, 'select slot_name::text from pg_replication_slots order by 1')).map(({ slot_name }) => slot_name);

describe('starting', () => {
  it('T15: starts as backup, and not even a superuser can write there (T17)', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    must(await a.driver.standBy());
    expect(await a.driver.status()).toMatchObject({
      running: true,
      writable: false,
      following: null,
      streaming: false,
    });
    await expect(sql(a, 'create table x (i int)')).rejects.toThrow(/read-only/);
    await expect(sql(a, 'set default_transaction_read_only = off; create table x (i int)')).rejects.toThrow(
      /read-only/,
    );
  });

  it('opens a stopped main for writing and tells its pid before it can accept a write', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    let told: { pid: number; socket: boolean } | null = null;
    const socket = join(a.options.socketDir, `.s.PGSQL.${a.config.port}`);
    must(await a.driver.startAsMain((pid) => (told = { pid, socket: existsSync(socket) })));
    expect(told).toEqual({ pid: await pidOf(a), socket: false });
    expect(await a.driver.status()).toMatchObject({ running: true, writable: true, following: null, problem: null });
    await open(a.driver);
    expect(await a.driver.pid()).toBe((told as unknown as { pid: number }).pid);
  });

  it('T15: a former main that is started behind our back, without our settings, comes up read-only', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    await open(a.driver);
    must(await a.driver.fence());
    const args = [
      '-D',
      a.options.dataDir,
      '-c',
      `port=${a.config.port}`,
      '-c',
      `unix_socket_directories=${a.options.socketDir}`,
    ];
    helpers.push(spawn(join(binDir, 'postgres'), args, { cwd: '/', stdio: 'ignore', ...osUser }));
    await until('it answers', () => a.driver.status().then(({ received }) => received !== null));
    expect((await a.driver.status()).writable).toBe(false);
  });

  it('T15: a promoted backup that is killed comes up read-only again', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    must(await a.driver.standBy());
    must(await a.driver.promote());
    expect(existsSync(standbySignal(a))).toBe(true);
    must(await a.driver.fence());
    must(await a.driver.standBy());
    expect((await a.driver.status()).writable).toBe(false);
  });

  it('opens a main whose data was started as backup in between by promoting it: a new timeline', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    await open(a.driver);
    must(await a.driver.drain());
    must(await a.driver.standBy());
    must(await a.driver.drain().then((result) => ({ ok: true as const, value: refused(result) })));
    await open(a.driver);
    expect((await a.driver.status()).received?.timeline).toBe(2);
    must(await a.driver.fence());
    must(await a.driver.standBy());
    must(await a.driver.fence());
    await open(a.driver);
    expect((await a.driver.status()).received?.timeline).toBe(3);
  });

  it('T35: while a rewind is unfinished nothing starts, and the node says why', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    must(await a.driver.standBy());
    must(await a.driver.fence());
    writeFileSync(marker(a), '{}');
    const { driver, config } = a;
    for (const act of [
      () => driver.standBy(),
      () => driver.follow(config),
      () => driver.promote(),
      () => driver.startAsMain(ignore),
    ])
      expect(refused(await act())).toMatchObject({
        code: 'NotStarted',
        message: expect.stringContaining('interrupted'),
      });
    expect(await driver.status()).toMatchObject({
      running: false,
      received: null,
      problem: expect.stringContaining('interrupted'),
    });
  });

  it('does not believe a pid file that a power loss left, though its number lives on in another process', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    const other = spawn('sleep', ['1000'], { stdio: 'ignore', ...osUser });
    helpers.push(other);
    writeFileSync(join(a.options.dataDir, 'postmaster.pid'), `${other.pid}\n${a.options.dataDir}\n`);
    expect(await a.driver.pid()).toBeNull();
    must(await a.driver.fence());
    must(await a.driver.standBy());
    expect(alive(other.pid ?? 0)).toBe(true);
  });

  it('T38: settings of another node in the copied files do not win, and the operator’s own stay', async () => {
    const [a, b] = (await bed.cluster(['db1', 'db2'])) as [TestNode, TestNode];
    const auto = join(a.options.dataDir, 'postgresql.auto.conf');
    writeFileSync(auto, `port = 1\nwork_mem = '7MB'\nprimary_conninfo = 'host=nowhere'\n`);
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), 'port = 2\nmax_slot_wal_keep_size = -1\n', { flag: 'a' });
    await open(a.driver);
    const show = `select name, setting from pg_settings where name in ('port', 'work_mem', 'primary_conninfo')`;
    expect(Object.fromEntries((await sql(a, show)).map(({ name, setting }) => [name, setting]))).toEqual({
      port: String(a.config.port),
      work_mem: '7168',
      primary_conninfo: '',
    });
    expect(readFileSync(auto, 'utf8').trim()).toBe(`work_mem = '7MB'`);
    void b;
  });

  it('T37: the WAL that a slot may hold back is bounded, whatever the operator’s file says', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), 'max_slot_wal_keep_size = -1\n', { flag: 'a' });
    await open(a.driver);
    expect(await sql(a, 'show max_slot_wal_keep_size')).toEqual([{ max_slot_wal_keep_size: '8GB' }]);
  });

  it('is NotStarted with what the engine said when it cannot start', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), 'shared_buffers = nonsense\n', { flag: 'a' });
    const problem = refused(await a.driver.standBy());
    expect(problem).toMatchObject({ code: 'NotStarted', message: expect.stringContaining('shared_buffers') });
    expect(await a.driver.pid()).toBeNull();
  });
});

describe('following', () => {
  it('streams from the main and knows positions, timeline and data set', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await write(a, 'one');
    await caughtUp(b, a);
    expect(await values(b)).toEqual(['one']);
    const main = await a.driver.status();
    expect(await b.driver.status()).toMatchObject({
      running: true,
      writable: false,
      following: 'db1',
      streaming: true,
      received: { timeline: 1 },
      dataId: main.dataId,
      forkedAt: null,
    });
  });

  it('does nothing when it is asked again', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    const receiver = () => sql(b, 'select pid from pg_stat_wal_receiver');
    const before = await receiver();
    must(await b.driver.follow(a.config));
    must(await b.driver.follow(a.config));
    expect(await receiver()).toEqual(before);
  });

  it('turns to a new main without a restart', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    const before = await pidOf(c);
    must(await a.driver.drain());
    await until(
      'both have the end',
      async () => (await b.driver.status()).received?.bytes === (await c.driver.status()).received?.bytes,
    );
    must(await b.driver.promote());
    must(await c.driver.follow(b.config));
    await streams(c);
    await write(b, 'after');
    await caughtUp(c, b);
    expect(await c.driver.status()).toMatchObject({
      following: 'db2',
      received: { timeline: 2 },
      forkedAt: { timeline: 2 },
    });
    expect(await pidOf(c)).toBe(before);
  });

  it('is set to follow a main that cannot be reached, and streams when it comes', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    must(await a.driver.fence());
    must(await b.driver.follow(a.config));
    expect(await b.driver.status()).toMatchObject({ running: true, following: 'db1', streaming: false });
    await open(a.driver);
    await streams(b);
  });

  it('T36: a node whose stream is broken says so and still knows what it received', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await write(a, 'one');
    await caughtUp(b, a);
    const before = (await b.driver.status()).received;
    must(await a.driver.fence());
    await until('the stream is down', async () => !(await b.driver.status()).streaming);
    const now = await b.driver.status();
    expect(now).toMatchObject({ running: true, following: 'db1', received: { timeline: 1 } });
    expect(now.received?.bytes).toBeGreaterThanOrEqual(before?.bytes ?? 0);
  });

  it('T36: a stream that still hangs on the former main is no stream of the new one', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await c.driver.fence());
    const [receiver] = await sql(b, 'select pid from pg_stat_wal_receiver');
    process.kill(Number(receiver?.pid), 'SIGSTOP');
    must(await b.driver.follow(c.config));
    expect(await b.driver.status()).toMatchObject({ following: 'db3', streaming: false });
    void a;
  });

  it('T33: refuses a main whose timeline has the same number and the same beginning but other contents', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await a.driver.drain());
    const { received } = await b.driver.status();
    await until('both are equally far', async () => (await c.driver.status()).received?.bytes === received?.bytes);
    must(await b.driver.promote());
    must(await c.driver.promote());
    await write(b, 'short');
    await write(c, 'a longer history that hides the shorter one');
    await sql(c, `insert into t select 'x' from generate_series(1, 1000)`);
    expect((await b.driver.status()).forkedAt).toEqual((await c.driver.status()).forkedAt);
    must(await b.driver.drain());
    expect(refused(await b.driver.follow(c.config))).toMatchObject({
      code: 'Diverged',
      message: expect.stringContaining('T33'),
    });
    // pg_rewind sees two equal histories and would do nothing.
    expect(must(await b.driver.rejoin(c.config))).toMatchObject({ method: 'reseed', evidence: expect.any(String) });
    await caughtUp(b, c);
    expect(await sql(b, `select count(*)::int n, bool_or(v = 'short') short from t`)).toEqual([
      { n: 1001, short: false },
    ]);
  });

  it('T39: a sibling that is ahead of the promoted node is Diverged, and rejoins by a rewind with its evidence kept (T41)', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await b.driver.fence());
    await write(a, 'only on db3');
    await caughtUp(c, a);
    must(await a.driver.fence());
    must(await b.driver.standBy());
    must(await b.driver.promote());
    await write(b, 'on the new main');
    expect(refused(await c.driver.follow(b.config)).code).toBe('Diverged');
    const { method, evidence } = must(await c.driver.rejoin(b.config));
    expect(method).toBe('rewind');
    expect(evidenceText(c, evidence)).toContain('only on db3');
    await caughtUp(c, b);
    expect(await values(c)).toEqual(['on the new main']);
  });

  it('puts away the history file of a candidate that failed: it would never follow the real main', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    const stale = join(wal(b), '00000002.history');
    writeFileSync(stale, `1\t0/600000\tno recovery target specified\n`);
    must(await b.driver.follow(a.config));
    await streams(b);
    expect(existsSync(stale)).toBe(false);
    expect(existsSync(join(b.options.stateDir, 'stale-histories', '00000002.history'))).toBe(true);
  });
});

describe('promoting', () => {
  it('is writable on return, on a new timeline, with nothing lost, also when asked twice', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await write(a, 'one');
    await caughtUp(b, a);
    must(await a.driver.fence());
    must(await b.driver.promote());
    await write(b, 'two');
    expect(await values(b)).toEqual(['one', 'two']);
    const { received, ...now } = await b.driver.status();
    expect(now).toMatchObject({ writable: true, following: null, forkedAt: { timeline: 2 } });
    expect(received?.timeline).toBe(2);
    must(await b.driver.promote());
    expect((await b.driver.status()).received?.timeline).toBe(2);
  });

  it('is NotPromoted when the engine is not running', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    expect(refused(await a.driver.promote()).code).toBe('NotPromoted');
  });

  it('T14: a promotion that does not come to an end is ended by force: it would come true when nobody holds a promise', async () => {
    const [a, b] = await serving(['db1', 'db2'], { promoteTimeoutMs: 300 });
    const startup = await until(
      'its startup process is found',
      () =>
        childrenOf(Number(readFileSync(join(b.options.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])).find((pid) =>
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('startup'),
        ) ?? null,
    );
    process.kill(startup, 'SIGSTOP');
    expect(refused(await b.driver.promote())).toMatchObject({
      code: 'NotPromoted',
      message: expect.stringContaining('still read-only'),
    });
    expect(await b.driver.pid()).toBeNull();
    must(await b.driver.follow(a.config));
    expect(await b.driver.status()).toMatchObject({ writable: false, received: { timeline: 1 } });
  });

  it('T14: a fence that comes while the engine is opened wins', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    const opening = a.driver.startAsMain(ignore);
    must(await a.driver.fence());
    expect(refused(await opening).code).toBe('NotStarted');
    must(await a.driver.standBy());
    const promoting = a.driver.promote();
    must(await a.driver.fence());
    expect(refused(await promoting).code).toMatch(/NotPromoted|NotStarted/);
    expect(await a.driver.pid()).toBeNull();
  });
});

describe('draining', () => {
  it('gives the final position that every follower reaches, so that the old main follows the new one without a rewind', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await write(a, 'last');
    const final = must(await a.driver.drain());
    expect(await a.driver.pid()).toBeNull();
    const at = await until('the follower has it', async () => {
      const { received } = await b.driver.status();
      return received && received.bytes >= final.bytes && received;
    });
    expect(at).toEqual(final);
    expect(must(await a.driver.drain())).toEqual(final);
    expect(await a.driver.status()).toMatchObject({ running: false, received: final });
    must(await b.driver.promote());
    expect((await b.driver.status()).forkedAt?.bytes).toBe(final.bytes);
    expect(must(await a.driver.rejoin(b.config))).toEqual({ method: 'follow', evidence: null });
    await write(b, 'more');
    await caughtUp(a, b);
    expect(await values(a)).toEqual(['last', 'more']);
  });

  it('knows the end of every record, across pages and segments: a final position must not be short by one header', async () => {
    const [a] = await serving(['db1']);
    await sql(a, `insert into t select repeat('x', g % 3000) from generate_series(1, 2000) g`);
    must(await a.driver.drain());
    const [first = ''] = readdirSync(wal(a))
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .sort();
    const from = formatLsn(parseSegment(first, 2 ** 20)?.bytes ?? 0);
    const dump = spawnSync(join(binDir, 'pg_waldump'), ['-p', wal(a), '-s', from], {
      ...osUser,
      cwd: '/',
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const ends = [...dump.stdout.matchAll(/len \(rec\/tot\):\s*\d+\/\s*(\d+),.*lsn: ([0-9A-F/]+), prev/g)].map(
      ([, length, lsn]) => ({
        start: parseLsn(lsn ?? ''),
        end: recordEnd(parseLsn(lsn ?? ''), Number(length), 2 ** 20),
      }),
    );
    expect(ends.length).toBeGreaterThan(2000);
    // A record that ends with its page is followed by the next page's header.
    const header = (at: number) => (at % 8192 !== 0 ? 0 : at % 2 ** 20 === 0 ? 40 : 24);
    const wrong = ends.filter(({ end }, i) => i + 1 < ends.length && end + header(end) !== ends[i + 1]?.start);
    expect(wrong).toEqual([]);
  });

  it('T12: is NotStopped within its bound when a follower hangs, and the main can be opened again', async () => {
    const [a, b] = await serving(['db1', 'db2'], { drainTimeoutMs: 400 });
    const [receiver] = await sql(b, 'select pid from pg_stat_wal_receiver');
    process.kill(Number(receiver?.pid), 'SIGSTOP');
    await write(a, 'unsent');
    expect(refused(await a.driver.drain()).code).toBe('NotStopped');
    await open(a.driver);
    await write(a, 'again');
    expect(await values(a)).toEqual(['again', 'unsent']);
  });

  it('T11: a main that was killed is stopped, but has no final position', async () => {
    const [a] = await serving(['db1']);
    must(await a.driver.fence());
    expect(refused(await a.driver.drain())).toMatchObject({
      code: 'NotStopped',
      message: expect.stringContaining('not cleanly'),
    });
  });
});

describe('fencing', () => {
  it('T12: kills an engine whose postmaster and backends are frozen, and the next start works', async () => {
    const [a] = await serving(['db1'], { engineStopMs: 800 });
    const pid = await pidOf(a);
    const all = [pid, ...childrenOf(pid)];
    for (const each of all) process.kill(each, 'SIGSTOP');
    const from = performance.now();
    must(await a.driver.fence());
    expect(performance.now() - from).toBeLessThan(800);
    expect(all.filter(alive)).toEqual([]);
    await open(a.driver);
  });

  it('kills orphans of a dead postmaster, which nothing may be started beside', async () => {
    const [a] = await serving(['db1']);
    const pid = await pidOf(a);
    const [orphan = 0] = childrenOf(pid);
    process.kill(orphan, 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    await until('the postmaster is gone', () => !alive(pid));
    expect(refused(await a.driver.startAsMain(ignore))).toMatchObject({
      message: expect.stringContaining(String(orphan)),
    });
    must(await a.driver.fence());
    expect(alive(orphan)).toBe(false);
    await open(a.driver);
  });

  it('T6: the deadman ends a real engine with all its backends, and the next start works', async () => {
    const [a] = await serving(['db1']);
    const { stateDir, logDir } = a.options;
    const deadman = createDeadman({ clock: realClock, stateDir, logDir });
    const pid = await pidOf(a);
    const all = [pid, ...childrenOf(pid)];
    deadman.arm(pid, realClock.nowMs() + 100);
    await until('nothing is left of it', () => all.filter(alive).length === 0);
    deadman.disarm();
    await deadman.stop();
    await open(a.driver);
  });

  it('is done at once when nothing runs', async () => {
    const [a] = (await bed.cluster(['db1'])) as [TestNode];
    must(await a.driver.fence());
  });

  it('a hung engine is a status within its bound, neither writable nor silent about it', async () => {
    const [a] = await serving(['db1'], { engineStopMs: 300 });
    const pid = await pidOf(a);
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, 'SIGSTOP');
    const from = performance.now();
    expect(await a.driver.status()).toMatchObject({
      running: true,
      writable: false,
      received: null,
      problem: expect.any(String),
    });
    expect(performance.now() - from).toBeLessThan(900);
    const many = performance.now();
    await Promise.all([1, 2, 3, 4].map(() => a.driver.status()));
    expect(performance.now() - many).toBeLessThan(900);
  });

  it('T14: a frozen former main that is told to follow is killed, not left to thaw writable', async () => {
    const [a, b] = await serving(['db1', 'db2'], { engineStopMs: 400 });
    const pid = await pidOf(a);
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, 'SIGSTOP');
    must(await a.driver.standBy());
    expect(alive(pid)).toBe(false);
    expect((await a.driver.status()).writable).toBe(false);
    void b;
  });

  it('a backend that crashes takes the engine down: whether it starts again is the agent’s decision', async () => {
    const [a] = await serving(['db1']);
    const pid = await pidOf(a);
    const [backend] = await sql(a, `select pid from pg_stat_activity where backend_type = 'walwriter'`);
    process.kill(Number(backend?.pid), 'SIGKILL');
    await until('the engine is down', () => !alive(pid));
    expect(await a.driver.status()).toMatchObject({ running: false, writable: false, received: null });
    await open(a.driver);
    expect(await values(a)).toEqual([]);
  });
});

/** Everything that the kept WAL holds, as bytes: rows stand in it in clear. */
function evidenceText(node: TestNode, dir: string | null): string {
  if (dir === null) throw new Error(`${node.name} kept no evidence`);
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('');
}

/** db1 has writes that db2, now main, never received. */
async function forked(more: Partial<PostgresOptions> = {}): Promise<[TestNode, TestNode]> {
  const [a, b] = await serving(['db1', 'db2'], more);
  await write(a, 'shared');
  await caughtUp(b, a);
  must(await b.driver.fence());
  await write(a, 'only on the old main');
  must(await a.driver.fence());
  must(await b.driver.standBy());
  must(await b.driver.promote());
  await write(b, 'on the new main');
  return [a, b];
}

describe('rejoining', () => {
  it('T41: rewinds a diverged former main after its extra data was kept', async () => {
    const [a, b] = await forked();
    const { method, evidence } = must(await a.driver.rejoin(b.config));
    expect(method).toBe('rewind');
    expect(evidence).toBe(join(a.options.evidenceDir, 'shop-db1-1'));
    expect(evidenceText(a, evidence)).toContain('only on the old main');
    expect(JSON.parse(readFileSync(join(evidence ?? '', 'evidence.json'), 'utf8'))).toMatchObject({
      truncated: false,
      fork: { timeline: 1 },
    });
    expect(existsSync(join(evidence ?? '', 'pg_control'))).toBe(true);
    expect(await a.driver.status()).toMatchObject({
      running: true,
      writable: false,
      following: 'db2',
      streaming: true,
    });
    await caughtUp(a, b);
    expect(await values(a)).toEqual(['on the new main', 'shared']);
    expect(existsSync(marker(a))).toBe(false);
  });

  it('T41: says what was left out when the evidence is larger than its bound', async () => {
    const [a, b] = await forked({ evidenceMaxBytes: 1000 });
    const { evidence } = must(await a.driver.rejoin(b.config));
    const note = JSON.parse(readFileSync(join(evidence ?? '', 'evidence.json'), 'utf8'));
    expect(note.truncated).toBe(true);
    expect(note.missing.length).toBeGreaterThan(0);
  });

  it('T37: a demoted main keeps no slots, and has one on the new main', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await a.driver.keepSlots(['db2', 'db3']);
    must(await a.driver.drain());
    must(await b.driver.promote());
    must(await a.driver.rejoin(b.config));
    expect(await slots(a)).toEqual([]);
    expect(await slots(b)).toEqual(['mainstay_db1']);
  });

  it('stops a former main that is still writable before it judges it', async () => {
    const [a, b] = await forked();
    must(await a.driver.standBy());
    must(await a.driver.promote());
    must(await a.driver.fence());
    must(await a.driver.standBy());
    must(await a.driver.promote());
    expect(must(await a.driver.rejoin(b.config)).method).toBe('rewind');
    await caughtUp(a, b);
    expect(await values(a)).toEqual(['on the new main', 'shared']);
  });

  it('T33: reseeds a node that was promoted to the same number: pg_rewind would call the two equal', async () => {
    const [a, b] = await forked();
    must(await a.driver.standBy());
    must(await a.driver.promote());
    await write(a, 'on another timeline 2');
    const { method, evidence } = must(await a.driver.rejoin(b.config));
    expect(method).toBe('reseed');
    expect(evidenceText(a, evidence)).toContain('on another timeline 2');
    expect(await values(a)).toEqual(['on the new main', 'shared']);
  });

  it('reseeds when a rewind is impossible, with the evidence kept (T41) and the data directory private', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    await write(a, 'only on the old main');
    const [fork] = readdirSync(wal(a))
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .sort();
    await sql(
      a,
      'checkpoint; select pg_switch_wal(); insert into t select g from generate_series(1, 1000) g; checkpoint',
    );
    must(await a.driver.fence());
    rmSync(join(wal(a), fork ?? ''), { force: true });
    must(await b.driver.standBy());
    must(await b.driver.promote());
    await write(b, 'on the new main');
    const { method, evidence } = must(await a.driver.rejoin(b.config));
    expect(method).toBe('reseed');
    expect(evidence).toEqual(expect.any(String));
    expect(statSync(a.options.dataDir).mode & 0o777).toBe(0o700);
    expect(await values(a)).toEqual(['on the new main']);
    expect(readdirSync(join(a.options.dataDir, '..')).filter((name) => name.includes('mainstay-'))).toEqual([]);
    expect(await sql(a, 'show port')).toEqual([{ port: String(a.config.port) }]);
  });

  it('T35: after an interrupted rewind it goes straight to a reseed and remembers the evidence', async () => {
    const [a, b] = await forked();
    writeFileSync(marker(a), JSON.stringify({ main: 'db2', evidence: '/kept/here' }));
    rmSync(join(a.options.dataDir, 'global', 'pg_control'));
    expect(must(await a.driver.rejoin(b.config))).toEqual({ method: 'reseed', evidence: '/kept/here' });
    await caughtUp(a, b);
    expect(existsSync(marker(a))).toBe(false);
  });

  it('T35: a reseed that was interrupted between its renames is done again', async () => {
    const [a, b] = await forked();
    writeFileSync(marker(a), JSON.stringify({ main: 'db2', evidence: null }));
    execFileSync('mv', [a.options.dataDir, `${a.options.dataDir}.mainstay-old`]);
    expect(must(await a.driver.rejoin(b.config)).method).toBe('reseed');
    expect(await values(a)).toEqual(['on the new main', 'shared']);
  });

  it('ends a tool that a dead agent left at work on the same data', async () => {
    const [a, b] = await forked();
    const tool = spawn(
      join(binDir, 'pg_basebackup'),
      ['-D', `${a.options.dataDir}.mainstay-copy`, '-h', a.options.socketDir],
      { ...osUser, cwd: '/', stdio: 'ignore' },
    );
    helpers.push(tool);
    process.kill(tool.pid ?? 0, 'SIGSTOP');
    writeFileSync(marker(a), '{}');
    must(await a.driver.rejoin(b.config));
    expect(alive(tool.pid ?? 0)).toBe(false);
  });

  it('seeds an empty node', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    rmSync(b.options.dataDir, { recursive: true });
    expect(refused(await b.driver.standBy())).toMatchObject({
      code: 'NotStarted',
      message: expect.stringContaining('no database'),
    });
    expect(must(await b.driver.rejoin(a.config))).toEqual({ method: 'reseed', evidence: null });
    expect(await b.driver.status()).toMatchObject({ following: 'db1', streaming: true });
  });

  it('touches nothing when the main cannot be reached', async () => {
    const [a, b] = await forked();
    must(await b.driver.fence());
    const before = readdirSync(wal(a));
    expect(refused(await a.driver.rejoin(b.config))).toMatchObject({
      code: 'NotRejoined',
      message: expect.stringContaining('db2'),
    });
    expect(readdirSync(wal(a))).toEqual(before);
    expect(existsSync(a.options.evidenceDir)).toBe(false);
  });

  it('T32: a backup that received beyond the fork and had not applied it does not replay it after its return', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await b.driver.fence());
    await caughtUp(c, a);
    await sql(c, 'select pg_wal_replay_pause()');
    await write(a, 'received, not applied');
    await until(
      'db3 has received it',
      async () => ((await c.driver.status()).received?.bytes ?? 0) >= ((await a.driver.status()).received?.bytes ?? 0),
    );
    must(await a.driver.fence());
    must(await b.driver.standBy());
    must(await b.driver.promote());
    await write(b, 'on the new main');
    const { evidence } = must(await c.driver.rejoin(b.config));
    expect(evidenceText(c, evidence)).toContain('received, not applied');
    await caughtUp(c, b);
    expect(await values(c)).toEqual(['on the new main']);
  });

  it('a directory that cannot be written is a problem, not a crash', async () => {
    const [a, b] = await forked();
    writeFileSync(a.options.evidenceDir, 'a file in the way');
    expect(refused(await a.driver.rejoin(b.config))).toMatchObject({
      code: 'NotRejoined',
      message: expect.stringContaining('could not be kept'),
    });
    expect(existsSync(marker(a))).toBe(false);
  });

  it('T40: does not overwrite a data set that is another one than the main’s', async () => {
    const [a] = await serving(['db1']);
    const other = new TestBed();
    try {
      const [b] = (await other.cluster(['db2'], { peers: [a.config] })) as [TestNode];
      expect(refused(await b.driver.rejoin(a.config))).toMatchObject({
        code: 'NotRejoined',
        message: expect.stringContaining('data set'),
      });
      expect(refused(await b.driver.follow(a.config)).code).toBe('Diverged');
    } finally {
      await other.destroy();
    }
  });
});

describe('slots', () => {
  it('T37: the main keeps one for each peer with its WAL reserved, drops others of ours, and leaves the operator’s alone', async () => {
    const [a] = await serving(['db1']);
    await sql(
      a,
      `select pg_create_physical_replication_slot('backup_tool'), pg_create_physical_replication_slot('mainstay_gone')`,
    );
    await a.driver.keepSlots(['db1', 'db2', 'DB-3']);
    await a.driver.keepSlots(['db1', 'db2', 'DB-3']);
    expect(await slots(a)).toEqual(['backup_tool', slotName('db2'), slotName('DB-3')]);
    expect(
      await sql(a, `select 1 from pg_replication_slots where restart_lsn is null and slot_name <> 'backup_tool'`),
    ).toEqual([]);
  });

  it('T37: a backup keeps none of ours', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await sql(b, `select pg_create_physical_replication_slot('mainstay_db3', true)`);
    await b.driver.keepSlots(['db1', 'db3']);
    expect(await slots(b)).toEqual([]);
    void a;
  });

  it('T37: a slot that is missing on the new main is made by the node that follows it', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await a.driver.drain());
    await until(
      'both have the end',
      async () => (await b.driver.status()).received?.bytes === (await c.driver.status()).received?.bytes,
    );
    must(await b.driver.promote());
    must(await c.driver.follow(b.config));
    await streams(c);
    expect(await slots(b)).toEqual(['mainstay_db3']);
  });
});

describe('probing', () => {
  it('T46: is accepted by a main and refused by a backup and by nobody at all', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    expect(await b.driver.probe('127.0.0.1', a.config.port, 7)).toMatchObject({ epoch: 7, accepted: true });
    expect(await a.driver.probe('127.0.0.1', b.config.port, 7)).toMatchObject({
      accepted: false,
      message: expect.stringContaining('read-only'),
    });
    expect(await a.driver.probe('127.0.0.1', await freePort(), 7)).toMatchObject({ accepted: false });
  });

  it('ends within two seconds at an engine that is frozen', async () => {
    const [a] = await serving(['db1']);
    const pid = await pidOf(a);
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, 'SIGSTOP');
    const from = realClock.nowMs();
    expect((await a.driver.probe('127.0.0.1', a.config.port, 7)).accepted).toBe(false);
    expect(realClock.nowMs() - from).toBeLessThan(2_200);
  });
});

it('reads passwords from the pass file when the peers ask for them', async () => {
  const [a, b] = (await bed.cluster(['db1', 'db2'])) as [TestNode, TestNode];
  const passFile = join(a.options.dataDir, '..', 'pass');
  writeFileSync(passFile, `127.0.0.1:*:*:replicator:se\\:cret\n`, { mode: 0o600 });
  if (osUser) execFileSync('chown', [`${osUser.uid}:${osUser.gid}`, passFile]);
  const hba = 'local all all trust\nhost all postgres all trust\nhost all,replication replicator all scram-sha-256\n';
  for (const { options } of [a, b]) writeFileSync(join(options.dataDir, 'pg_hba.conf'), hba);
  const [main, backup] = [a, b].map((node) => bed.again(node, { replicationUser: 'replicator', passFile })) as [
    TestNode,
    TestNode,
  ];
  await open(main.driver);
  await sql(
    main,
    `set password_encryption = 'scram-sha-256'; create role replicator login replication password 'se:cret'`,
  );
  must(await backup.driver.follow(main.config));
  await streams(backup);
  expect(await backup.driver.probe('127.0.0.1', main.config.port, 1)).toMatchObject({ accepted: true });
});
