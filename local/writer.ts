// A client as an application is one, as a process that can be put anywhere: one connection, a write every so many ms, at once again
// when it fails. Prints one line of JSON for each acknowledgement, on the machine's monotonic clock. Ends with its standard input.

import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

export interface WriterJob {
  /** Tells its rows from other writers'. */
  name: string;
  /** Tried one after the other until one takes writes; a VIP is the only one. */
  hosts: { host: string; port: number }[];
  database?: string;
  user?: string;
  everyMs?: number;
  /** A write without an answer for so long is given up; it may or may not have happened. 0: waited for without end. */
  answerMs?: number;
  /** Commands of a session that writes, such as a setting. */
  session?: string[];
}

export type WriterLine =
  | { ack: number; atMs: number; on: string }
  | { connected: string; atMs: number }
  | { failed: string; atMs: number };

/** CLOCK_MONOTONIC, in ms: the same in every process of this machine. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export const table = 'writes';

const say = (line: WriterLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** A session on the first host that takes writes, and the data directory it writes to: that is what tells nodes apart. */
async function connect(job: WriterJob, first: number): Promise<{ client: Client; on: string }> {
  const { host, port } = job.hosts[first % job.hosts.length] ?? { host: '', port: 0 };
  const { answerMs = 500, user = 'postgres', database = 'postgres' } = job;
  const bound = answerMs === 0 ? undefined : answerMs;
  const client = new Client({
    host,
    port,
    user,
    database,
    connectionTimeoutMillis: answerMs || 1000,
    ...(bound ? { query_timeout: bound } : {}),
  });
  // A connection that is cut must not end the process; the next write notices.
  client.on('error', () => undefined);
  try {
    await client.connect();
    for (const command of job.session ?? []) await client.query(command);
    const { rows } = await client.query("select pg_is_in_recovery() backup, current_setting('data_directory') dir");
    if (rows[0]?.backup) throw new Error(`${host}:${port} is read-only`);
    return { client, on: String(rows[0]?.dir) };
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

async function write(job: WriterJob): Promise<never> {
  let session: { client: Client; on: string } | null = null;
  for (let [id, turn] = [1, 0]; ; id++) {
    const startedAtMs = machineMs();
    try {
      if (session === null) {
        session = await connect(job, turn);
        say({ connected: session.on, atMs: machineMs() });
      }
      await session.client.query(`INSERT INTO ${table} (writer, id) VALUES ($1, $2)`, [job.name, id]);
      say({ ack: id, atMs: machineMs(), on: session.on });
    } catch (error) {
      say({ failed: error instanceof Error ? error.message : String(error), atMs: machineMs() });
      void session?.client.end().catch(() => undefined);
      session = null;
      turn += 1;
    }
    await delay(Math.max(0, (job.everyMs ?? 20) - (machineMs() - startedAtMs)));
  }
}

if (require.main === module) {
  process.stdin.on('end', () => process.exit());
  process.stdin.resume();
  void write(JSON.parse(process.argv[2] ?? '{}'));
}
