// The contract of EngineDriver (core/ports.ts) on real PostgreSQL engines: the way back of a former main.
// Titles carry the traps they guard against.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binDir, must, osUser, refused, sql, TestBed, type TestNode, until } from '../support/postgres';
import {
  alive,
  caughtUp,
  evidenceText,
  marker,
  slots,
  usePostgres,
  values,
  wal,
  write,
} from '../support/postgres-world';

jest.setTimeout(30_000);

const { helpers, serving, forked } = usePostgres();

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
