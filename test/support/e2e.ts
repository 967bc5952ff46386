// A real stack for end-to-end tests: emulator, deployed control plane, agents, PostgreSQL. Waits for conditions with a
// deadline, never for a time.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Client } from 'pg';
import { createDocumentClient } from '../../adapters/aws/clients';
import { createJournal } from '../../adapters/aws/journal';
import { createLeaseStore } from '../../adapters/aws/lease-store';
import { createReports } from '../../adapters/aws/reports';
import { createSettings } from '../../adapters/aws/settings';
import { createSystemIds } from '../../adapters/system';
import type { Lease, Report } from '../../core/model';
import type { JournalEntry } from '../../core/ports';
import { nodeFiles } from '../../local/layout';
import { processesIn } from '../../local/processes';
import { type CliRun, Stack, type StackOptions } from '../../local/stack';

export const cluster = 'alpha';

export class World {
  private readonly client: DynamoDBClient;

  private constructor(readonly stack: Stack) {
    this.client = new DynamoDBClient(this.credentials);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.stack.stop();
  }

  static async start(options: StackOptions = {}): Promise<World> {
    // One failure after another, on purpose.
    const failovers = { coolDownMs: 0, maxPerDay: 50 };
    return new World(await Stack.start({ ...options, cluster: { failovers, ...options.cluster } }));
  }

  /** db1 is main and every other node follows it. */
  static async seated(options: StackOptions = {}): Promise<World> {
    const world = await World.start(options);
    await world.until(
      'every agent reports',
      async () => (await world.reports()).filter((r) => r.engine.running).length === 3,
    );
    await world.must('start', cluster, '--node', 'db1');
    await world.healthy();
    return world;
  }

  get credentials() {
    const { environment } = this.stack.facts;
    return {
      endpoint: environment.AWS_ENDPOINT_URL,
      region: environment.AWS_REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
  }

  private get table() {
    return { client: createDocumentClient(this.client), name: this.stack.facts.stackName };
  }

  readonly settings = () => createSettings(this.table);

  async lease(): Promise<Lease> {
    const read = await createLeaseStore(this.table).read(cluster);
    if (!read.ok || !read.value) throw new Error('the lease cannot be read');
    return read.value;
  }

  /** What a refusal must leave as it was. */
  async authority(): Promise<Partial<Lease>> {
    const { epoch, phase, holder, operation, drain, shunned, hold } = await this.lease();
    return { epoch, phase, holder, operation, drain, shunned, hold };
  }

  async reports(): Promise<Report[]> {
    const listed = await createReports(this.table).list(cluster);
    return listed.ok ? listed.value : [];
  }

  async report(node: string): Promise<Report | undefined> {
    return (await this.reports()).find((report) => report.node === node);
  }

  async journal(operation?: string): Promise<JournalEntry[]> {
    const listed = await createJournal(this.table, createSystemIds()).list(cluster, operation ? { operation } : {});
    return listed.ok ? listed.value : [];
  }

  cli(...args: string[]): Promise<CliRun> {
    return this.stack.cli(...args);
  }

  async must(...args: string[]): Promise<CliRun> {
    const run = await this.cli(...args);
    if (run.code !== 0)
      throw new Error(`mainstay ${args.join(' ')} ended with ${run.code}: ${run.stderr}\n${run.stdout}`);
    return run;
  }

  /** One main that renews, nobody shunned, everybody else streaming from it, no operation. */
  async healthy(): Promise<Lease> {
    let lease = await this.lease();
    await this.until('a healthy cluster', async () => {
      lease = await this.lease();
      const { holder, epoch } = lease;
      const others = (await this.reports()).filter(({ node }) => node !== holder);
      const following = others.every(
        ({ engine, seen, followed }) =>
          engine.streaming && engine.following === holder && seen.epoch === epoch && followed === epoch,
      );
      return lease.phase === 'held' && lease.operation === null && others.length === 2 && following;
    });
    return lease;
  }

  /** Brings every shunned or absent node back. */
  async recoverAll(): Promise<void> {
    for (const node of Object.keys((await this.lease()).shunned)) await this.must('recover', cluster, node);
    await this.healthy();
  }

  async failedOver(fromEpoch: number): Promise<Lease> {
    let lease = await this.lease();
    await this.until(`a failover from epoch ${fromEpoch}`, async () => {
      lease = await this.lease();
      return lease.epoch > fromEpoch && lease.phase === 'held' && lease.operation === null;
    });
    return lease;
  }

  /** As superuser, straight at the node, past the VIP (T17). */
  async sql(node: string, text: string): Promise<Record<string, unknown>[]> {
    return query(this.stack.hostOf(node), this.stack.node(node).port, text);
  }

  async throughVip(text: string): Promise<Record<string, unknown>[]> {
    return query(this.stack.facts.door, this.stack.facts.vip.port, text);
  }

  /** A command on a node, as somebody who is logged in there. */
  onNode(name: string, ...command: string[]): Promise<{ code: number; output: string }> {
    const { at, dir } = this.stack.node(name);
    const [program = '', ...args] = [...at, ...command];
    const env = {
      ...process.env,
      PATH: `${join(dir, 'bin')}:${process.env.PATH}`,
      MAINSTAY_AGENT_CONFIG: nodeFiles(dir).settings,
    };
    return new Promise((resolve) => {
      execFile(program, args, { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, output: stdout + stderr }),
      );
    });
  }

  /** As the stack's own clock does every five minutes: no function that a failover needs starts cold. */
  async warmUp(): Promise<void> {
    const lambda = new LambdaClient(this.credentials);
    const FunctionName = `${this.stack.facts.stackName}-warm`;
    const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{}') }));
    lambda.destroy();
    if (answer.FunctionError) throw new Error(Buffer.from(answer.Payload ?? []).toString());
  }

  /** The postmaster. */
  enginePid(node: string): number {
    const { dir } = this.stack.node(node);
    // As the node itself sees it: a disk of its own is mounted there alone.
    return Number(
      readFileSync(
        join('/proc', String(processesIn(dir)[0]), 'root', nodeFiles(dir).data, 'postmaster.pid'),
        'utf8',
      ).split('\n')[0],
    );
  }

  /** Something runs on it. */
  async isPowered(node: string): Promise<boolean> {
    return processesIn(this.stack.node(node).dir).length > 0;
  }

  /** Resolves when it holds; rejects at the deadline with what was waited for. */
  async until(what: string, holds: () => Promise<boolean>, deadlineMs = 60_000): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while (!(await holds())) {
      if (performance.now() > endMs)
        throw new Error(`waited ${deadlineMs} ms in vain for ${what}: ${JSON.stringify(await this.lease())}`);
      await delay(50);
    }
  }
}

async function query(host: string, port: number, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({
    host,
    port,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: 1000,
    query_timeout: 2000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
