// The contract of EngineDriver (core/ports.ts) on real PostgreSQL engines: starting, promoting, fencing, probing.
// Titles carry the traps they guard against.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDeadman } from '../../agent/deadman';
import { binDir, freePort, must, osUser, realClock, refused, sql, type TestNode, until } from '../support/postgres';
import {
  alive,
  caughtUp,
  childrenOf,
  freeze,
  ignore,
  marker,
  open,
  pidOf,
  standbySignal,
  streams,
  usePostgres,
  values,
  write,
} from '../support/postgres-world';

jest.setTimeout(30_000);

const { helpers, cluster, serving, again } = usePostgres();

describe('starting', () => {
  it('T15: starts as backup, and not even a superuser can write there (T17)', async () => {
    const [a] = await cluster(['db1']);
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

  it('T5: a start whose promise ran out while it was prepared is killed before it can accept a write', async () => {
    const [a] = await cluster(['db1']);
    expect(refused(await a.driver.startAsMain(() => false))).toMatchObject({ code: 'NotStarted' });
    expect(await a.driver.status()).toMatchObject({ running: false, writable: false });
    expect(await a.driver.pid()).toBeNull();
    must(await a.driver.startAsMain(ignore));
  });

  it('opens a stopped main for writing and tells its pid before it can accept a write', async () => {
    const [a] = await cluster(['db1']);
    let told: { pid: number; socket: boolean } | null = null;
    const socket = join(a.options.socketDir, `.s.PGSQL.${a.config.port}`);
    const spawned = (pid: number) => {
      told = { pid, socket: existsSync(socket) };
      return true;
    };
    must(await a.driver.startAsMain(spawned));
    expect(told).toEqual({ pid: await pidOf(a), socket: false });
    expect(await a.driver.status()).toMatchObject({ running: true, writable: true, following: null, problem: null });
    await open(a.driver);
    expect(await a.driver.pid()).toBe((told as unknown as { pid: number }).pid);
  });

  it('T15: a former main that is started behind our back, without our settings, comes up read-only', async () => {
    const [a] = await cluster(['db1']);
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
    const [a] = await cluster(['db1']);
    must(await a.driver.standBy());
    must(await a.driver.promote());
    expect(existsSync(standbySignal(a))).toBe(true);
    must(await a.driver.fence());
    must(await a.driver.standBy());
    expect((await a.driver.status()).writable).toBe(false);
  });

  it('opens a main whose data was started as backup in between by promoting it: a new timeline', async () => {
    const [a] = await cluster(['db1']);
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
    const [a] = await cluster(['db1']);
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
    const [a] = await cluster(['db1']);
    const other = spawn('sleep', ['1000'], { stdio: 'ignore', ...osUser });
    helpers.push(other);
    writeFileSync(join(a.options.dataDir, 'postmaster.pid'), `${other.pid}\n${a.options.dataDir}\n`);
    expect(await a.driver.pid()).toBeNull();
    must(await a.driver.fence());
    must(await a.driver.standBy());
    expect(alive(other.pid ?? 0)).toBe(true);
  });

  it('T38: settings of another node in the copied files do not win, and the operator’s own stay', async () => {
    const [a, b] = await cluster(['db1', 'db2']);
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
    const [a] = await cluster(['db1']);
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), 'max_slot_wal_keep_size = -1\n', { flag: 'a' });
    await open(a.driver);
    expect(await sql(a, 'show max_slot_wal_keep_size')).toEqual([{ max_slot_wal_keep_size: '8GB' }]);
  });

  it('is NotStarted with what the engine said when it cannot start', async () => {
    const [a] = await cluster(['db1']);
    writeFileSync(join(a.options.dataDir, 'postgresql.conf'), 'shared_buffers = nonsense\n', { flag: 'a' });
    const problem = refused(await a.driver.standBy());
    expect(problem).toMatchObject({ code: 'NotStarted', message: expect.stringContaining('shared_buffers') });
    expect(await a.driver.pid()).toBeNull();
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
    const [a] = await cluster(['db1']);
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
    const [a] = await cluster(['db1']);
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

describe('fencing', () => {
  it('T12: kills an engine whose postmaster and backends are frozen, and the next start works', async () => {
    const [a] = await serving(['db1'], { engineStopMs: 800 });
    const all = await freeze(a);
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
    const [a] = await cluster(['db1']);
    must(await a.driver.fence());
  });

  it('a hung engine is a status within its bound, neither writable nor silent about it', async () => {
    const [a] = await serving(['db1'], { engineStopMs: 300 });
    await freeze(a);
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
    const [pid = 0] = await freeze(a);
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
    await freeze(a);
    const from = realClock.nowMs();
    expect((await a.driver.probe('127.0.0.1', a.config.port, 7)).accepted).toBe(false);
    expect(realClock.nowMs() - from).toBeLessThan(2_200);
  });
});

it('reads passwords from the pass file when the peers ask for them', async () => {
  const [a, b] = await cluster(['db1', 'db2']);
  const passFile = join(a.options.dataDir, '..', 'pass');
  writeFileSync(passFile, `127.0.0.1:*:*:replicator:se\\:cret\n`, { mode: 0o600 });
  if (osUser) execFileSync('chown', [`${osUser.uid}:${osUser.gid}`, passFile]);
  const hba = 'local all all trust\nhost all postgres all trust\nhost all,replication replicator all scram-sha-256\n';
  for (const { options } of [a, b]) writeFileSync(join(options.dataDir, 'pg_hba.conf'), hba);
  const [main, backup] = [a, b].map((node) => again(node, { replicationUser: 'replicator', passFile })) as [
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
