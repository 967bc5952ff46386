// The archive on real PostgreSQL engines and the real pgBackRest: who archives, what happens when the repository is away,
// and the way back from it. Titles carry the traps they guard against.

import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backUp, endSegment, installed, pushers, Repository, readers, status } from '../support/archive';
import { must, realClock, refused, sql, type TestNode, until } from '../support/postgres';
import { alive, caughtUp, marker, open, pidOf, usePostgres, values, write } from '../support/postgres-world';

jest.setTimeout(45_000);

const { serving } = usePostgres();
let home: string;
let repository: Repository;

beforeAll(() => {
  home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ms-repository-'));
  chmodSync(home, 0o755);
});
beforeEach(() => {
  repository = new Repository(home);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const archived = (name: string) => until(`${name} is archived`, () => repository.archived().includes(name), 15_000);
const settled = (node: TestNode) => until('nothing waits', async () => (await status(node)).waiting === 0, 15_000);

const atGate = () => (repository.reached().length > 0 ? repository.reached() : null);

/** While something happens that the repository does not see. */
async function away(happens: () => Promise<unknown>): Promise<void> {
  renameSync(repository.path, `${repository.path}.away`);
  await happens();
  renameSync(`${repository.path}.away`, repository.path);
}

/** db1 is killed as the deadman does it; db2 is promoted. */
async function failOver(a: TestNode, b: TestNode): Promise<void> {
  process.kill(await pidOf(a), 'SIGKILL');
  must(await a.driver.fence());
  must(await b.driver.standBy());
  must(await b.driver.promote());
}

// Without the program there is nothing to test: `apt-get install pgbackrest`.
const archive = installed ? describe : describe.skip;

archive('the main archives', () => {
  it('every segment, and a point in time before a table was dropped is restored', async () => {
    const [a] = await serving(['db1'], repository.options());
    await backUp(a);
    // pgBackRest knows the second in which the backup ended.
    const second = () => Math.floor(Date.parse(realClock.wall()) / 1000);
    const ended = second();
    await until('a later second', () => second() > ended);
    await write(a, 'precious');
    const [before] = await sql(a, 'select clock_timestamp()::text at');
    await sql(a, 'drop table t');
    await archived(await endSegment(a));
    expect(await status(a)).toMatchObject({ mode: 'on', pushes: true, failed: 0, dropped: null });
    const words = ['--type=time', `--target=${before?.at}`, '--target-action=promote'];
    expect(await repository.restored(a, 'select v from t', ...words)).toEqual(['precious']);
  });

  it('makes one backup for two requests, and a later one when it is asked for, from a backup node’s files', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    expect(refused(await b.driver.ensureBackup({ type: 'full', newerThan: null })).code).toBe('NotMain');
    const first = await backUp(a);
    expect(first).toMatchObject({ type: 'full', timeline: 1 });
    expect(await backUp(a)).toEqual(first);
    repository.configure(
      `[shop]\npg2-path=${a.options.dataDir}\npg2-port=${a.config.port}\npg2-socket-path=${a.options.socketDir}\npg2-user=postgres\n`,
    );
    await caughtUp(b, a);
    const next = must(await b.driver.ensureBackup({ type: 'incr', newerThan: first.label, from: 'backup' }));
    expect(next.label).toMatch(new RegExp(`^${first.label}_.*I$`));
    expect(must(await b.driver.backups())).toEqual([first, next]);
  });

  it('from directories whose names mean something to a shell and to PostgreSQL', async () => {
    const [a] = await serving(['db1'], (dir) => ({
      ...repository.options()(dir),
      stateDir: join(dir, `it's 100% "$HOME" of \\ %p`),
    }));
    repository.create(a);
    await archived(await endSegment(a));
  });
});

archive('a repository that is away', () => {
  it('stops nobody: the main goes on writing, says how far it is behind, and catches up', async () => {
    const [a] = await serving(['db1'], repository.options());
    repository.create(a);
    await archived(await endSegment(a));
    renameSync(repository.path, `${repository.path}.away`);
    const names: string[] = [];
    for (const value of ['1', '2', '3']) {
      await write(a, value);
      names.push(await endSegment(a));
    }
    await until('it has failed', async () => ((await status(a)).failed ?? 0) > 0);
    expect((await status(a)).waiting).toBeGreaterThanOrEqual(3);
    expect((await status(a)).lagBytes).toBeGreaterThanOrEqual(2 * 1024 ** 2);
    expect(await values(a)).toEqual(['1', '2', '3']);
    renameSync(`${repository.path}.away`, repository.path);
    await sql(a, 'select pg_switch_wal()');
    await settled(a);
    expect(repository.archived()).toEqual(expect.arrayContaining(names));
    expect((await status(a)).dropped).toBeNull();
  });

  it('is given up beyond the queue, and the gap is told: the disk of the main is worth more', async () => {
    const [a] = await serving(['db1'], repository.options({ queueMaxBytes: 3 * 1024 ** 2 }));
    repository.create(a);
    renameSync(repository.path, `${repository.path}.away`);
    const names: string[] = [];
    for (const value of ['1', '2', '3', '4', '5', '6']) {
      await write(a, value);
      names.push(await endSegment(a));
    }
    const dropped = await until('the queue is given up', async () => (await status(a)).dropped, 20_000);
    expect(names).toContain(dropped.first);
    await until('the queue is short', async () => (await status(a)).waitingBytes <= 3 * 1024 ** 2);
    await write(a, '7');
    renameSync(`${repository.path}.away`, repository.path);
    await settled(a);
    await backUp(a);
    expect((await status(a)).dropped).toBeNull();
  });

  it('T13: hangs a start once, for its bound, and a promotion never', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    repository.create(a);
    await repository.hanging(async () => {
      must(await a.driver.fence());
      const timed = async (act: () => Promise<unknown>) => {
        const from = performance.now();
        await act();
        return performance.now() - from;
      };
      // Its stream is gone: it asks the repository, and is promoted in the middle of it.
      await until('it asks the repository', () => readers(b).length > 0);
      expect(await timed(async () => must(await b.driver.promote()))).toBeLessThan(3_000);
      const start = async () => {
        must(await a.driver.fence());
        return timed(async () => must(await a.driver.standBy()));
      };
      // The first one replays its own WAL, the next one asks.
      await start();
      expect(await start()).toBeLessThan(8_000);
      expect(await start()).toBeLessThan(2_000);
    });
  });

  it('lets a follower without a stream go on with what is archived', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    repository.create(a);
    await sql(b, `alter system set primary_conninfo = ''`);
    await sql(b, 'select pg_reload_conf()');
    await until('its stream is gone', async () => !(await b.driver.status()).streaming);
    await write(a, 'one');
    await endSegment(a);
    await until('it has the row', async () => (await values(b)).length === 1);
    expect((await b.driver.status()).streaming).toBe(false);
  });

  it('T12: does not hold up a clean stop, nor a promotion', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.gated('archive-push'));
    repository.create(a);
    repository.close();
    await write(a, 'one');
    await endSegment(a);
    await until('a push hangs', atGate);
    const from = performance.now();
    const final = must(await a.driver.drain());
    await until('db2 has the end', async () => ((await b.driver.status()).received?.bytes ?? 0) >= final.bytes);
    must(await b.driver.promote());
    expect(performance.now() - from).toBeLessThan(3_000);
    repository.open();
  });
});

archive('who may archive', () => {
  it('T34: a push that outlived the main that began it is ended with it, and the lost branch stays out of the archive', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.gated('archive-push:async'));
    repository.create(a);
    await caughtUp(b, a);
    repository.close();
    must(await b.driver.fence());
    await write(a, 'only on the old main');
    const lost = await endSegment(a);
    const [daemon = 0] = await until('the daemon is at work', atGate);
    process.kill(await pidOf(a), 'SIGKILL');
    await until('the daemon is gone, or goes on', () => !alive(daemon), 2_000).catch(() => undefined);
    must(await b.driver.standBy());
    must(await b.driver.promote());
    repository.open();
    await until('no daemon is left', () => repository.reached().every((pid) => !alive(pid)));
    await write(b, 'on the new main');
    await archived(await endSegment(b));
    expect(repository.archived()).not.toContain(lost);
    expect(repository.archived()).toContain('00000002.history');
  });

  it('T34: no part of a push is left within two seconds of the main’s death, though the repository hangs', async () => {
    const [a] = await serving(['db1'], repository.options());
    repository.create(a);
    await repository.hanging(async () => {
      await write(a, 'one');
      await endSegment(a);
      await until('its daemon is at work', () => pushers(a).some((words) => words.includes('archive-push:async')));
      process.kill(await pidOf(a), 'SIGKILL');
      await until('no push is left', () => pushers(a).length === 0, 2_000);
    });
  });

  it('T34: a backup that somebody promotes by hand archives nothing', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    repository.create(a);
    await sql(b, 'select pg_promote()');
    await sql(b, `insert into t values ('by hand')`);
    await endSegment(b);
    const said = () => readFileSync(join(b.options.logDir, 'postgres.log'), 'utf8').includes('is not the main that');
    await until('its archiver has tried', () => said() || repository.archived().includes('00000002.history'));
    expect((await status(b)).pushes).toBe(false);
    expect(repository.archived().filter((name) => name.startsWith('00000002'))).toEqual([]);
    await write(a, 'on the main');
    await archived(await endSegment(a));
  });

  it('T34: two nodes that were promoted apart never share the number of a timeline', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3'], repository.options());
    repository.create(a);
    must(await c.driver.fence());
    await failOver(a, b);
    await write(b, 'on the second main');
    const second = await endSegment(b);
    await archived(second);
    must(await b.driver.fence());
    must(await c.driver.standBy());
    must(await c.driver.promote());
    await write(c, 'on the third main');
    const third = await endSegment(c);
    await archived(third);
    expect([second.slice(0, 8), third.slice(0, 8)]).toEqual(['00000002', '00000003']);
    expect(repository.archived()).toEqual(expect.arrayContaining(['00000002.history', '00000003.history']));
  });

  it('T34: a failed main’s history in the archive draws no follower after it', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    repository.create(a);
    must(await a.driver.drain());
    must(await b.driver.promote());
    await archived('00000002.history');
    must(await b.driver.fence());
    await open(a.driver);
    await write(a, 'the first main again');
    must(await b.driver.rejoin(a.config));
    await caughtUp(b, a);
    expect(await values(b)).toEqual(['the first main again']);
    expect((await b.driver.status()).received?.timeline).toBe(1);
  });

  it('the promoted one archives what the lost main had not: no gap, and a backup from before is still good', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    await backUp(a);
    renameSync(repository.path, `${repository.path}.away`);
    await write(a, 'one');
    const first = await endSegment(a);
    await write(a, 'two');
    const second = await endSegment(a);
    await write(a, 'three');
    await caughtUp(b, a);
    await failOver(a, b);
    renameSync(`${repository.path}.away`, repository.path);
    await write(b, 'four');
    await archived(await endSegment(b));
    await settled(b);
    expect(repository.archived()).toEqual(expect.arrayContaining([first, second]));
    expect(await repository.restored(b, 'select v from t order by v')).toEqual(['four', 'one', 'three', 'two']);
  });
});

archive('rejoining from the repository', () => {
  const rungs = (node: TestNode) => readFileSync(join(node.options.logDir, 'rejoin.log'), 'utf8');

  it('reseeds from the backup, catches up from the archive, and burdens the main with no copy', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    await write(a, 'before the backup');
    await backUp(a);
    must(await b.driver.fence());
    rmSync(b.options.dataDir, { recursive: true });
    await write(a, 'after the backup');
    await archived(await endSegment(a));
    await sql(a, 'checkpoint');
    expect(must(await b.driver.rejoin(a.config))).toEqual({ method: 'reseed', evidence: null });
    expect(rungs(b)).toMatch(/restore from db1: done\n.*restore from db1: done\n$/);
    expect(existsSync(marker(b))).toBe(false);
    await caughtUp(b, a);
    expect(await values(b)).toEqual(['after the backup', 'before the backup']);
  });

  it('T35: an interrupted restore is never started, and is done again', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.gated('restore:local'));
    await write(a, 'one');
    await backUp(a);
    must(await b.driver.fence());
    rmSync(b.options.dataDir, { recursive: true });
    repository.close();
    const interrupted = b.driver.rejoin(a.config);
    const [worker = 0] = await until('the restore is at work', atGate);
    expect(refused(await b.driver.standBy()).message).toContain('T35');
    must(await a.driver.fence());
    process.kill(worker, 'SIGKILL');
    expect(refused(await interrupted).code).toBe('NotRejoined');
    expect(refused(await b.driver.standBy())).toMatchObject({
      code: 'NotStarted',
      message: expect.stringContaining('T35'),
    });
    repository.open();
    await open(a.driver);
    must(await b.driver.rejoin(a.config));
    expect(rungs(b)).toMatch(/restore from db1: done\n$/);
    await caughtUp(b, a);
    expect(await values(b)).toEqual(['one']);
  });

  it('a copy of the main is taken when the repository is away', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    await write(a, 'one');
    repository.create(a);
    renameSync(repository.path, `${repository.path}.away`);
    must(await b.driver.fence());
    rmSync(b.options.dataDir, { recursive: true });
    must(await b.driver.rejoin(a.config));
    expect(rungs(b)).toMatch(/restore from db1: (?!done)/);
    await caughtUp(b, a);
    expect(await values(b)).toEqual(['one']);
  });

  it('T34: leaves the lost branch that the archive still has where the main’s history left it', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    await backUp(a);
    await caughtUp(b, a);
    must(await b.driver.fence());
    await write(a, 'lost');
    await archived(await endSegment(a));
    await away(() => failOver(a, b));
    await write(b, 'kept');
    await archived(await endSegment(b));
    rmSync(join(a.options.dataDir, 'global', 'pg_control'));
    writeFileSync(marker(a), JSON.stringify({ main: 'db2', evidence: '/kept/here' }));
    expect(must(await a.driver.rejoin(b.config))).toEqual({ method: 'reseed', evidence: '/kept/here' });
    expect(rungs(a)).toMatch(/^.*restore from db2: done\n.*restore from db2: done\n$/);
    await caughtUp(a, b);
    expect(await values(a)).toEqual(['kept']);
  });

  it('a backup of a branch that was lost is not taken', async () => {
    const [a, b] = await serving(['db1', 'db2'], repository.options());
    await caughtUp(b, a);
    must(await b.driver.fence());
    await write(a, 'lost');
    await backUp(a);
    // Or db2 would read the lost row in the archive, and it would not be lost.
    await away(() => failOver(a, b));
    await write(b, 'kept');
    rmSync(join(a.options.dataDir, 'global', 'pg_control'));
    writeFileSync(marker(a), JSON.stringify({ main: 'db2', evidence: null }));
    must(await a.driver.rejoin(b.config));
    expect(rungs(a)).toContain("no backup lies within the main's history");
    await caughtUp(a, b);
    expect(await values(a)).toEqual(['kept']);
  });
});
