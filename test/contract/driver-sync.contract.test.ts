// The contract of EngineDriver on real PostgreSQL engines: commits that wait for backups. Titles carry the traps they guard against.

import { Client } from 'pg';
import { must, sql, type TestNode, until } from '../support/postgres';
import { freeze, ignore, usePostgres, values } from '../support/postgres-world';

jest.setTimeout(30_000);

const { serving } = usePostgres();

/** A write of a client of its own: resolves once it is acknowledged, or with why it was not. */
function writing({ config }: TestNode, value: string): { settled: () => string | null; ended: Promise<string> } {
  const client = new Client({ host: config.host, port: config.port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  let outcome: string | null = null;
  const ended = client
    .connect()
    .then(() => client.query('insert into t values ($1)', [value]))
    .then(
      () => 'acknowledged',
      (error: Error) => error.message,
    )
    .then((how) => {
      outcome = how;
      void client.end().catch(() => undefined);
      return how;
    });
  return { settled: () => outcome, ended };
}

const waiting = async (node: TestNode): Promise<boolean> =>
  (await sql(node, "select 1 from pg_stat_activity where wait_event = 'SyncRep'")).length > 0;

describe('waiting for backups', () => {
  it('tells who streams and how far each has it on disk', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    await sql(a, "insert into t values ('one')");
    const main = (await a.driver.status()).received?.bytes ?? 0;
    await until('the backup has it', async () => {
      const [follower] = await a.driver.followers();
      return follower?.node === 'db2' && follower.streaming && follower.flushedBytes >= main;
    });
    expect(await b.driver.followers()).toEqual([]);
  });

  it('a commit is acknowledged only when all of them have it, and at once when nobody is waited for any more', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await a.driver.waitFor(['db2', 'db3']));
    expect(await writing(a, 'all have it').ended).toBe('acknowledged');
    must(await c.driver.fence());
    const write = writing(a, 'db3 lacks it');
    await until('it waits', () => waiting(a));
    expect(write.settled()).toBeNull();
    must(await a.driver.waitFor(['db2']));
    expect(await write.ended).toBe('acknowledged');
    await until('db2 shows it', async () => (await values(b)).includes('db3 lacks it'));
  });

  it('T29: a commit that waits when the main is drained is not acknowledged', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await a.driver.waitFor(['db2']));
    const frozen = await freeze(b);
    const write = writing(a, 'nobody else has it');
    await until('it waits', () => waiting(a));
    const drained = a.driver.drain();
    expect(await write.ended).not.toBe('acknowledged');
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
    await drained;
  });

  it('T29: nor is one when the main is fenced', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await a.driver.waitFor(['db2']));
    must(await b.driver.fence());
    const write = writing(a, 'nobody else has it');
    await until('it waits', () => waiting(a));
    must(await a.driver.fence());
    expect(await write.ended).not.toBe('acknowledged');
  });

  it('T31: a main that is started again waits from its first commit on', async () => {
    const [a, b] = await serving(['db1', 'db2']);
    must(await b.driver.fence());
    must(await a.driver.fence());
    must(await a.driver.waitFor(['db2']));
    must(await a.driver.startAsMain(ignore));
    const write = writing(a, 'after the crash');
    await until('it waits', () => waiting(a));
    expect(write.settled()).toBeNull();
    must(await b.driver.follow(a.config));
    expect(await write.ended).toBe('acknowledged');
  });

  it('T31: so does a backup that is promoted', async () => {
    const [a, b, c] = await serving(['db1', 'db2', 'db3']);
    must(await b.driver.waitFor(['db3']));
    must(await c.driver.fence());
    must(await a.driver.fence());
    must(await b.driver.promote());
    const write = writing(b, 'after the promotion');
    await until('it waits', () => waiting(b));
    must(await c.driver.follow(b.config));
    expect(await write.ended).toBe('acknowledged');
  });
});
