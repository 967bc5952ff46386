// What every peer stands on: a folder for each node with all that runs there, a network of namespaces, PostgreSQL's own account,
// and SQL through sockets in those folders, which no cut reaches. Nothing of it outlives `down`.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type Cut, Network } from '../../../local/network';
import { engineAccount, ownedDir } from '../../../local/postgres';
import { killAllIn, processesIn } from '../../../local/processes';
import { forgetSharedMemory } from '../../../local/shared-memory';
import { postgresBinDir } from './needs';
import {
  databasePort,
  type NodeName,
  nodeNames,
  type Preset,
  places,
  type SystemUnderTest,
  until,
  vipNumber,
} from './system';

const execute = promisify(execFile);
export type Place = NodeName | 'store';
const ownPlaces: readonly Place[] = [...nodeNames, 'store'];

export abstract class Peer implements SystemUnderTest {
  abstract readonly name: string;
  abstract readonly timings: string;
  abstract readonly replication: string;
  private readonly dir = mkdtempSync(join(tmpdir(), 'peer-'));
  private readonly account = engineAccount();
  private built: Network | null = null;
  /** Set when it goes down. */
  private going: Promise<void> | null = null;

  constructor(readonly preset: Preset) {}

  /** Starts everything; `up` waits for the rest. */
  protected abstract start(): Promise<void>;
  /** Whether the peer itself sees nothing left to do. */
  protected abstract atEase(): Promise<boolean>;
  abstract switchover(to: NodeName): Promise<void>;

  protected get network(): Network {
    if (!this.built) throw new Error(`${this.name} is not up`);
    return this.built;
  }

  at = (place: string): string[] => this.network.at(place);
  cut = (cuts: readonly Cut[]): void => this.network.cut(cuts);
  powerOff = (node: NodeName): Promise<void> => killAllIn(this.dirOf(node), delay);

  async up(): Promise<void> {
    chmodSync(this.dir, 0o755);
    for (const place of ownPlaces) await ownedDir(this.dirOf(place), this.account);
    for (const place of ownPlaces) await ownedDir(this.socketDirOf(place), this.account);
    this.built = await Network.build(places, vipNumber);
    await this.start();
    await until(`${this.name}: a main, two backups that stream, and nothing left to do`, async () => {
      const main = await this.main();
      if (main === null) return false;
      const sql = "select 1 from pg_stat_replication where state = 'streaming'";
      return (await this.query(main, sql)).length === 2 && (await this.atEase());
    });
  }

  async main(): Promise<NodeName | null> {
    const writable = await Promise.all(
      nodeNames.map((node) =>
        this.query<{ backup: boolean }>(node, 'select pg_is_in_recovery() backup').then(
          ([row]) => row?.backup === false,
          () => false,
        ),
      ),
    );
    const mains = nodeNames.filter((_, index) => writable[index]);
    return mains.length === 1 ? (mains[0] ?? null) : null;
  }

  hosts = (): { host: string; port: number }[] =>
    nodeNames.map((node) => ({ host: this.addressOf(node), port: databasePort }));

  dirOf = (place: Place): string => join(this.dir, place);
  socketDirOf = (place: Place): string => join(this.dirOf(place), 'run');
  dataDirOf = (place: Place): string => join(this.dirOf(place), 'data');
  addressOf = (place: Place): string => this.network.address(place).v4;
  pids = (node: NodeName): number[] => processesIn(this.dirOf(node));

  enginePid = (node: NodeName): number =>
    Number(readFileSync(join(this.dataDirOf(node), 'postmaster.pid'), 'utf8').split('\n')[0]);

  async query<Row extends object>(place: Place, sql: string, database = 'postgres'): Promise<Row[]> {
    const bounds = { connectionTimeoutMillis: 1000, query_timeout: 1000 };
    const at = { host: this.socketDirOf(place), port: databasePort, user: 'postgres', database };
    const client = new Client({ ...at, ...bounds });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(sql)).rows;
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  /** Runs on in its place, in a session of its own: Ctrl-C reaches it through `down` only. */
  protected service(place: Place, program: string, ...args: string[]): ChildProcess {
    const [first = '', ...command] = this.command(place, [], program, ...args);
    const log = openSync(join(this.dirOf(place), 'log'), 'a');
    const stdio: ['ignore', number, number] = ['ignore', log, log];
    const child = spawn(first, command, { cwd: this.dirOf(place), env: this.envOf(place), stdio, detached: true });
    closeSync(log);
    return child;
  }

  /** Runs to its end in its place; what it printed. */
  protected tool = (place: Place, ...command: string[]): Promise<string> => this.toolWith([], place, ...command);

  /** `rights`: what setpriv leaves to it. */
  protected async toolWith(rights: readonly string[], place: Place, ...words: string[]): Promise<string> {
    const [first = '', ...command] = this.command(place, rights, ...words);
    const options = {
      cwd: this.dirOf(place),
      env: this.envOf(place),
      timeout: 120_000,
      killSignal: 'SIGKILL',
    } as const;
    return (await execute(first, command, options)).stdout;
  }

  private command(place: Place, rights: readonly string[], ...command: string[]): string[] {
    if (this.going) throw new Error(`${this.name} is going down`);
    const { uid, gid } = this.account ?? { uid: 0, gid: 0 };
    const account = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    return [...this.at(place), 'setpriv', ...account, ...rights, '--', ...command];
  }

  protected envOf(place: Place): Record<string, string> {
    const dir = this.dirOf(place);
    return { PATH: `${postgresBinDir()}:/usr/bin:/bin`, HOME: dir, LC_ALL: 'C.UTF-8', XDG_RUNTIME_DIR: dir };
  }

  down(): Promise<void> {
    this.going ??= this.end();
    return this.going;
  }

  private async end(): Promise<void> {
    await killAllIn(this.dir, delay);
    for (const place of ownPlaces) forgetSharedMemory(this.dataDirOf(place));
    await this.built?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
