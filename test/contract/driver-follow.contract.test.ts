// The contract of EngineDriver (core/ports.ts) on real PostgreSQL engines: following, draining, slots.
// Titles carry the traps they guard against.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slotName } from '../../agent/drivers/postgres/settings';
import { formatLsn, parseLsn, parseSegment, recordEnd } from '../../agent/drivers/postgres/wal';
import { binDir, must, osUser, refused, sql, until } from '../support/postgres';
import {
  caughtUp,
  evidenceText,
  open,
  pidOf,
  slots,
  streams,
  usePostgres,
  values,
  wal,
  write,
} from '../support/postgres-world';

jest.setTimeout(30_000);

const { serving } = usePostgres();

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
      timeout: 20_000,
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
