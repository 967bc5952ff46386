// Conversations with an engine, each with a bound on every word. One long-lived session through the unix socket serves
// the status; peers are asked over short ones. A hung engine is an answer here (a failed Result), never a hung agent.

import { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import { fail, ok, type Result } from '../../../core/result';

export type Row = Record<string, unknown>;
export type Answer = Promise<Result<Row[], string>>;

export interface SessionConfig {
  host: string;
  port: number;
  user: string;
  password?: string;
  /** For connecting, and for each statement, in ms. */
  boundMs: number;
  /** Speaks SQL and the replication protocol (simple statements only). */
  replication?: boolean;
  /** Encrypted, as libpq's `sslmode=require`: no certificate is verified. */
  tls?: boolean;
}

interface Line {
  client: Client;
  socket: Socket;
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error));

export class Session {
  private open: Line | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private failures = { count: 0, last: '' };

  constructor(private readonly config: SessionConfig) {}

  /**
   * One statement at a time; connects when needed. After a failed connection the next call begins anew, and those that
   * waited behind it fail with it: a hung engine costs every caller one bound, not one for each that is in the queue.
   */
  ask(sql: string): Answer {
    const { count } = this.failures;
    const mine = this.turn.then(() => (count === this.failures.count ? this.askNow(sql) : fail(this.failures.last)));
    this.turn = mine;
    return mine;
  }

  private async askNow(sql: string): Answer {
    try {
      this.open ??= await this.connect();
      const { rows } = await this.open.client.query<Row>(sql);
      return ok(rows);
    } catch (error) {
      if (!isStatementError(error)) {
        this.failures = { count: this.failures.count + 1, last: sentence(error) };
        this.close();
      }
      return fail(sentence(error));
    }
  }

  /** Drops the connection at once, without asking the other side: it may be frozen. */
  close(): void {
    this.open?.socket.destroy();
    this.open = null;
  }

  private async connect(): Promise<Line> {
    const { boundMs, replication, tls, ...address } = this.config;
    const socket = new Socket();
    const config: ClientConfig & { replication?: string } = {
      ...address,
      database: 'postgres',
      application_name: 'mainstay',
      connectionTimeoutMillis: boundMs,
      query_timeout: boundMs,
      stream: () => socket,
      ...(tls ? { ssl: { rejectUnauthorized: false } } : {}),
      ...(replication ? { replication: 'database' } : {}),
    };
    const client = new Client(config);
    // A session that the engine cuts emits 'error' between statements: without a listener it would end the agent.
    client.on('error', () => {
      if (this.open?.client === client) this.close();
    });
    try {
      await client.connect();
      return { client, socket };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
}

/** The engine answered, with an SQLSTATE: the connection is still good, unless it says that it is going down (57P0x). */
const isStatementError = (error: unknown): boolean => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P');
};

export const textOf = (row: Row | undefined, key: string): string | null => {
  const value = row?.[key];
  return value === null || value === undefined ? null : String(value);
};
