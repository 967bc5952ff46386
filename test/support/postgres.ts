// Real PostgreSQL clusters for tests: one initdb as a template, copied for each node, so that all nodes hold one data set.
// Everything lives in one temporary directory and every engine is fenced at the end, whatever the test did to it.

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
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Archiving, createPostgresDriver } from '../../agent/drivers/postgres/driver';
import type { PostgresOptions } from '../../agent/drivers/postgres/options';
import type { NodeConfig } from '../../core/model';
import type { Clock, EngineDriver } from '../../core/ports';
import type { Result } from '../../core/result';
import { forgetSharedMemory, sharedMemoryOf } from '../../local/shared-memory';

export const realClock: Clock = {
  nowMs: () => performance.now(),
  wall: () => new Date().toISOString(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The newest PostgreSQL of this machine. */
export const binDir = ((): string => {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return join(root, versions[0] ?? '15', 'bin');
})();

/** postgres refuses to run as root. */
export const osUser = ((): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
})();

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** Waits for a condition, never for a time. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | null> | T | false | null,
  boundMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== null) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`);
    await realClock.sleep(10);
  }
}

/** The value, or the problem as the test's failure. */
export function must<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** The problem; a success is the test's failure. */
export function refused<T, E>(result: Result<T, E>): E {
  if (result.ok) throw new Error(`succeeded: ${JSON.stringify(result.value)}`);
  return result.error;
}

const settings = `
shared_buffers = 8MB
fsync = off
autovacuum = off
dynamic_shared_memory_type = mmap
max_wal_size = 32MB
`;

/** 1 MiB segments make copies and evidence small. */
function initTemplate(dir: string): void {
  const args = ['-D', dir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--wal-segsize=1'];
  execFileSync(join(binDir, 'initdb'), args, { cwd: '/', stdio: 'pipe', timeout: 20_000, ...osUser });
  writeFileSync(join(dir, 'postgresql.conf'), settings, { flag: 'a' });
}

/** The same for all nodes, or made from a node's own directory. */
export type More = Partial<PostgresOptions> | ((dir: string) => Partial<PostgresOptions>);

export interface TestNode {
  name: string;
  config: NodeConfig;
  options: PostgresOptions;
  driver: EngineDriver & Archiving;
}

/** Memory where there is enough of it: three times faster, for a test writes some 30 MB a node and deletes them again. */
function roomyDir(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 2 * 1024 ** 3 ? memory : tmpdir();
}

export class TestBed {
  readonly dir = mkdtempSync(join(roomyDir(), 'ms-'));
  private readonly nodes: TestNode[] = [];
  private readonly homes: string[] = [];

  constructor() {
    chmodSync(this.dir, 0o755);
    if (osUser) chownSync(this.dir, osUser.uid, osUser.gid);
    initTemplate(join(this.dir, 'template'));
  }

  /** Stopped nodes with one and the same data; directories are new for each call. */
  async cluster(names: string[], more: More = {}): Promise<TestNode[]> {
    const home = mkdtempSync(join(this.dir, 'c'));
    chmodSync(home, 0o755);
    this.homes.push(home);
    const peers: NodeConfig[] = [];
    for (const name of names)
      peers.push({
        name,
        instanceId: `i-${name}`,
        zone: 'a',
        host: '127.0.0.1',
        port: await freePort(),
        priority: 1,
        agentPort: 8009,
      });
    const made = peers.map((config) => this.node(join(home, config.name), config, peers, more));
    this.nodes.push(...made);
    return made;
  }

  private node(dir: string, config: NodeConfig, peers: NodeConfig[], more: More): TestNode {
    mkdirSync(dir);
    if (osUser) chownSync(dir, osUser.uid, osUser.gid);
    execFileSync('cp', ['-a', join(this.dir, 'template'), join(dir, 'data')], { timeout: 20_000 });
    const options: PostgresOptions = {
      node: config.name,
      cluster: 'shop',
      dataDir: join(dir, 'data'),
      binDir,
      port: config.port,
      listenHost: '127.0.0.1',
      socketDir: join(dir, 's'),
      stateDir: join(dir, 'state'),
      logDir: join(dir, 'log'),
      evidenceDir: join(dir, 'evidence'),
      ...(osUser ? { osUser } : {}),
      replicationUser: 'postgres',
      engineStopMs: 2_000,
      clock: realClock,
      peers,
      ...(typeof more === 'function' ? more(dir) : more),
    };
    return { name: config.name, config, options, driver: createPostgresDriver(options) };
  }

  /** The same node under another driver, as after a restart of its agent. */
  again(node: TestNode, more: Partial<PostgresOptions> = {}): TestNode {
    const options = { ...node.options, ...more };
    return { ...node, options, driver: createPostgresDriver(options) };
  }

  /** After each test: every engine stopped, its directories gone before they are ever written to disk. */
  async clear(): Promise<void> {
    await Promise.all(
      this.nodes.splice(0).map(async ({ driver, options }) => {
        await driver.fence();
        forgetSharedMemory(sharedMemoryOf(join(options.dataDir, 'postmaster.pid')));
      }),
    );
    for (const home of this.homes.splice(0)) rmSync(home, { recursive: true, force: true });
  }

  async destroy(): Promise<void> {
    await this.clear();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** As a client would, over TCP, as superuser (T17). */
export async function sql(node: TestNode, text: string): Promise<Record<string, unknown>[]> {
  const { host, port } = node.config;
  const client = new Client({ host, port, user: 'postgres', database: 'postgres', connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client
    .query(text)
    .then(({ rows }) => rows)
    .finally(() => client.end().catch(() => undefined));
}
