// A test file's own PostgreSQL world: clusters that serve or have forked, and what a test looks at in them.
// Everything that a test started is ended after it, by its own id.

import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresOptions } from '../../agent/drivers/postgres/options';
import type { EngineDriver } from '../../core/ports';
import { type More, must, sql, TestBed, type TestNode, until } from './postgres';

export const ignore = () => true;
export const open = async (driver: EngineDriver) => must(await driver.startAsMain(ignore));

type NodesOf<N extends string[]> = { [K in keyof N]: TestNode };

/** Registers the hooks of a test file. */
export function usePostgres() {
  let bed: TestBed;
  const helpers: ChildProcess[] = [];
  beforeAll(() => {
    bed = new TestBed();
  });
  afterEach(async () => {
    for (const helper of helpers.splice(0)) helper.kill('SIGKILL');
    await bed.clear();
  });
  afterAll(() => bed.destroy());

  /** Stopped nodes with one and the same data. */
  const cluster = async <const N extends string[]>(names: N, more: More = {}) =>
    (await bed.cluster([...names], more)) as NodesOf<N>;

  /** A main and its backups, all streaming. */
  async function serving<const N extends string[]>(names: N, more: More = {}): Promise<NodesOf<N>> {
    const nodes = await cluster(names, more);
    const [main, ...backups] = nodes as TestNode[];
    if (!main) throw new Error('a cluster has a main');
    await open(main.driver);
    await sql(main, 'create table t (v text)');
    for (const backup of backups) must(await backup.driver.follow(main.config));
    for (const backup of backups) await streams(backup);
    return nodes;
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

  return {
    helpers,
    cluster,
    serving,
    forked,
    again: (node: TestNode, more: Partial<PostgresOptions>) => bed.again(node, more),
  };
}

/**
 * A WAL receiver that the postmaster did not start when it was asked to is asked for again after 10 s (PostgreSQL's
 * WALRCV_STARTUP_TIMEOUT); that happens when one has just died, once in some thirty times on a busy machine.
 */
const streamBoundMs = 20_000;

/** What its engine has said last is told with the failure: a stream that does not come has its reason there. */
export async function streams(node: TestNode): Promise<void> {
  try {
    await until(`${node.name} streams`, async () => (await node.driver.status()).streaming, streamBoundMs);
  } catch (error) {
    const said = readdirSync(node.options.logDir).map((file) => readFileSync(join(node.options.logDir, file), 'utf8'));
    throw new Error(
      `${(error as Error).message}; its engine said:\n${said.join('').split('\n').slice(-12).join('\n')}`,
    );
  }
}
export const write = (node: TestNode, value: string) => sql(node, `insert into t values ('${value}')`);
export const values = async (node: TestNode) => (await sql(node, 'select v from t order by v')).map(({ v }) => v);

export async function caughtUp(node: TestNode, main: TestNode): Promise<void> {
  const { received } = await main.driver.status();
  const there = async () => ((await node.driver.status()).applied?.bytes ?? 0) >= (received?.bytes ?? 0);
  await until(`${node.name} has what ${main.name} has`, there);
}

export async function pidOf(node: TestNode): Promise<number> {
  const pid = await node.driver.pid();
  if (pid === null) throw new Error(`${node.name} is not running`);
  return pid;
}

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
export const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
/** Freezes a whole engine, the postmaster first; a backend that was just leaving may be gone. */
export async function freeze(node: TestNode): Promise<number[]> {
  const pid = await pidOf(node);
  process.kill(pid, 'SIGSTOP');
  const children = childrenOf(pid).filter(alive);
  for (const child of children) process.kill(child, 'SIGSTOP');
  return [pid, ...children];
}

export const standbySignal = (node: TestNode) => join(node.options.dataDir, 'standby.signal');
export const marker = (node: TestNode) => join(node.options.stateDir, 'rejoin-in-progress');
export const wal = (node: TestNode) => join(node.options.dataDir, 'pg_wal');
export const slots = async (node: TestNode) =>
  (await sql(node, 'select slot_name::text from pg_replication_slots order by 1')).map(({ slot_name }) => slot_name);

/** Everything that the kept WAL holds, as bytes: rows stand in it in clear. */
export function evidenceText(node: TestNode, dir: string | null): string {
  if (dir === null) throw new Error(`${node.name} kept no evidence`);
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('');
}
