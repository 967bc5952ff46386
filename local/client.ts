// A client as an application is one: one connection through the VIP, a write every 20 ms, at once again when it fails. Keeps
// what was acknowledged and when, so that gaps and losses are measured where they hurt.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

export interface ClientOptions {
  host: string;
  port: number;
  everyMs?: number;
}

interface Ack {
  id: number;
  atMs: number;
}

/** A write without an answer for this long is given up: it may or may not have happened. */
const answerMs = 500;

export class WritingClient {
  private readonly acks: Ack[] = [];
  private connection: Client | null = null;
  private nextId = 1;
  private running = true;
  private done: Promise<void> = Promise.resolve();
  lastError = '';

  constructor(private readonly options: ClientOptions) {}

  get acknowledged(): number {
    return this.acks.length;
  }

  /** Creates the table, then writes until `stop`. */
  async start(): Promise<void> {
    const connection = await this.connect();
    await connection.query(
      'CREATE TABLE IF NOT EXISTS demo_writes (id bigint PRIMARY KEY, written_at timestamptz DEFAULT now())',
    );
    this.done = this.run();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
    await this.drop();
  }

  /**
   * Longest time between two acknowledged writes that ends after this moment, in ms; what is still open counts, and has no
   * end yet (`endedAtMs` null, else on performance.now()).
   */
  longestGap(sinceMs: number): { ms: number; endedAtMs: number | null } {
    const before = this.acks.findLast(({ atMs }) => atMs < sinceMs)?.atMs ?? sinceMs;
    const times = this.acks.map(({ atMs }) => atMs).filter((atMs) => atMs >= sinceMs);
    const gaps = times.map((atMs, index) => ({
      ms: atMs - (times[index - 1] ?? before),
      endedAtMs: atMs as number | null,
    }));
    const open = { ms: performance.now() - (times.at(-1) ?? before), endedAtMs: null };
    return [...gaps, open].reduce((longest, gap) => (gap.ms > longest.ms ? gap : longest));
  }

  /** Resolves once `count` more writes have been acknowledged after a gap; rejects at the deadline. */
  async flows(count: number, deadlineMs: number): Promise<void> {
    const [target, endMs] = [this.acks.length + count, performance.now() + deadlineMs];
    while (this.acks.length < target) {
      if (performance.now() > endMs) throw new Error(`no write got through for ${deadlineMs} ms (${this.lastError})`);
      await delay(10);
    }
  }

  /** Writes acknowledged before this call that the database at this address does not have. */
  async lost(host: string, port: number): Promise<number> {
    // Taken before the database is asked: what is acknowledged meanwhile may come after its snapshot.
    const acknowledged = [...this.acks];
    const connection = new Client({ host, port, user: 'postgres', database: 'postgres' });
    await connection.connect();
    const { rows } = await connection.query<{ id: string }>('SELECT id FROM demo_writes');
    await connection.end();
    const present = new Set(rows.map(({ id }) => Number(id)));
    return acknowledged.filter(({ id }) => !present.has(id)).length;
  }

  private async run(): Promise<void> {
    const { everyMs = 20 } = this.options;
    while (this.running) {
      const startedAtMs = performance.now();
      const id = this.nextId++;
      try {
        const connection = this.connection ?? (await this.connect());
        await connection.query('INSERT INTO demo_writes (id) VALUES ($1)', [id]);
        this.acks.push({ id, atMs: performance.now() });
      } catch (error) {
        this.lastError = error instanceof Error ? error.message : String(error);
        await this.drop();
      }
      await delay(Math.max(0, everyMs - (performance.now() - startedAtMs)));
    }
  }

  private async connect(): Promise<Client> {
    const { host, port } = this.options;
    const connection = new Client({
      host,
      port,
      user: 'postgres',
      database: 'postgres',
      connectionTimeoutMillis: answerMs,
      query_timeout: answerMs,
    });
    // An idle connection that is cut must not end the process; the next write notices.
    connection.on('error', () => undefined);
    await connection.connect();
    this.connection = connection;
    return connection;
  }

  private async drop(): Promise<void> {
    const connection = this.connection;
    this.connection = null;
    await Promise.race([connection?.end().catch(() => undefined), delay(100, undefined, { ref: false })]);
  }
}
