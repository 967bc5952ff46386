// How long calls of the control plane's REST API take on the local stack: its function as the gateway calls it, real Step Functions and
// DynamoDB of the emulator behind it. p50 and p99 over a cluster at rest; an agent's own API and whole commands of the command line beside it.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { nodeFiles } from '../../local/layout';
import { World } from '../support/e2e';

interface Row {
  call: string;
  count: number;
  p50Ms: number;
  p99Ms: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

async function timed(call: string, count: number, once: (index: number) => Promise<void>): Promise<Row> {
  // The first calls pay for connections and for the function's start.
  for (let index = 0; index < 3; index++) await once(-1 - index);
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedAtMs = performance.now();
    await once(index);
    times.push(performance.now() - startedAtMs);
  }
  times.sort((a, b) => a - b);
  return { call, count, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

function invoker(world: World, lambda: LambdaClient) {
  const FunctionName = `${world.stack.facts.stackName}-api`;
  return async (expected: number, method: string, path: string, body?: unknown, key?: string): Promise<void> => {
    const event = {
      rawPath: path.split('?')[0],
      queryStringParameters: Object.fromEntries(new URLSearchParams(path.split('?')[1] ?? '')),
      headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
      requestContext: {
        requestId: 'bench',
        http: { method },
        authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/bench' } },
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const Payload = Buffer.from(JSON.stringify(event));
    // What a caller does on 503: the same again. It counts as one call.
    for (let tries = 0; ; tries++) {
      const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
      const { statusCode, body: text } = JSON.parse(Buffer.from(answer.Payload ?? []).toString());
      if (statusCode === expected) return;
      if (statusCode !== 503 || tries === 3) throw new Error(`${method} ${path} answered ${statusCode}: ${text}`);
    }
  };
}

async function measure(world: World, lambda: LambdaClient, count: number): Promise<Row[]> {
  const invoke = invoker(world, lambda);
  const operations = '/v1/clusters/alpha/operations';
  const { host, restPort, dir } = world.stack.node('db1');
  const authorization = `token ${readFileSync(nodeFiles(dir).secret, 'utf8').trim()}`;
  const fromNode = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    const reply = await fetch(`http://${host}:${restPort}${path}`, { headers });
    if ((await reply.text()) === '' || reply.status !== 200) throw new Error(`${path} answered ${reply.status}`);
  };
  return [
    await timed('GET /v1/clusters/alpha', count, () => invoke(200, 'GET', '/v1/clusters/alpha')),
    await timed('GET /v1/clusters/alpha/plan', count, () =>
      invoke(200, 'GET', '/v1/clusters/alpha/plan?kind=switchover'),
    ),
    // The same key: found and answered; nothing is started twice.
    await timed(`POST ${operations} (replayed)`, count, () =>
      invoke(202, 'POST', operations, { kind: 'switchover', to: 'db2', reason: 'bench' }, 'bench-replayed'),
    ),
    await startedOnes(world, (key, to) =>
      invoke(202, 'POST', operations, { kind: 'switchover', to, reason: 'bench' }, key),
    ),
    await timed('GET /health of a node', count, () => fromNode('/health')),
    ...(await commands(world)),
    // The bucket of a node gives five calls a second.
    await timed('GET /rest/ha/status of a node', 15, () => fromNode('/rest/ha/status', { authorization })),
  ];
}

/** A process each, from its start to its end. */
async function commands(world: World): Promise<Row[]> {
  const rows: Row[] = [];
  for (const line of ['--version', 'ls', 'status alpha', 'switch alpha --dry-run', 'history alpha --json'])
    rows.push(await timed(`mainstay ${line}`, 15, async () => void (await world.must(...line.split(' ')))));
  return rows;
}

/** Each starts a real switchover, and waits until the cluster is healthy again. */
async function startedOnes(world: World, start: (key: string, to: string) => Promise<void>): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < 12; round++) {
    const { holder } = await world.healthy();
    const startedAtMs = performance.now();
    await start(`bench-started-${round}`, holder === 'db1' ? 'db2' : 'db1');
    times.push(performance.now() - startedAtMs);
    await world.until('the switchover is done', async () => {
      const lease = await world.lease();
      return lease.holder !== holder && lease.phase === 'held' && lease.operation === null;
    });
  }
  times.sort((a, b) => a - b);
  const call = 'POST /v1/clusters/alpha/operations (started)';
  return { call, count: times.length, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

/** Prints a Markdown table. */
export async function benchApi(count: number): Promise<void> {
  const world = await World.seated();
  const lambda = new LambdaClient(world.credentials);
  try {
    const rows = await measure(world, lambda, count);
    const lines = rows.map(
      ({ call, count: calls, p50Ms, p99Ms }) => `| ${call} | ${calls} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} |`,
    );
    process.stdout.write(`${['| call | calls | p50 ms | p99 ms |', '|---|---|---|---|', ...lines].join('\n')}\n`);
  } finally {
    lambda.destroy();
    await world.stop();
  }
}
