// Seed 000's transcript with curl against real nodes, the checks of load balancers on the way, and the control plane's REST API as
// its function is called by the gateway.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { routes } from '../../api/routes';
import { nodeFiles } from '../../local/layout';
import { cluster, World } from '../support/e2e';

jest.setTimeout(120_000);

let world: World;
let lambda: LambdaClient;
beforeAll(async () => {
  world = await World.seated();
  lambda = new LambdaClient(world.credentials);
});
afterAll(async () => {
  lambda?.destroy();
  await world?.stop();
});

const token = (node: string): string => readFileSync(nodeFiles(world.stack.node(node).dir).secret, 'utf8').trim();
const urlOf = (node: string, path: string): string => {
  const { host, restPort } = world.stack.node(node);
  return `http://${host}:${restPort}${path}`;
};

/** As the seed's page has it: what curl prints. */
const curl = (node: string, ...args: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const all = ['-sS', '-H', `Authorization: token ${token(node)}`, ...args];
    execFile('curl', all, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
const read = (node: string) => curl(node, '-X', 'GET', urlOf(node, '/rest/ha/status'));
const change = (node: string, to: 'MAIN' | 'BACKUP') =>
  curl(node, '-X', 'POST', urlOf(node, `/rest/ha/status?change=${to}`));
const becomes = (node: string, role: 'MAIN' | 'BACKUP') =>
  world.until(`${node} says ${role}`, async () => (await read(node)) === role);
const codeOf = async (node: string, path: string): Promise<number> => (await fetch(urlOf(node, path))).status;
const primaries = () => Promise.all(['db1', 'db2', 'db3'].map((node) => codeOf(node, '/primary')));

test('the transcript of seed 000: a backup is made MAIN, the former main is BACKUP, and back by BACKUP on the main', async () => {
  expect([await read('db1'), await read('db2')]).toEqual(['MAIN', 'BACKUP']);
  expect(await primaries()).toEqual([200, 503, 503]);

  expect(await change('db2', 'MAIN')).toBe('BACKUP');
  await becomes('db2', 'MAIN');
  await becomes('db1', 'BACKUP');
  expect(await primaries()).toEqual([503, 200, 503]);
  await world.healthy();
  expect(await codeOf('db1', '/replica?lag=16777216')).toBe(200);
  expect((await world.journal()).find(({ rule }) => rule === 'rest')?.because).toMatch(/rest:db2 .* MAIN: switchover/);

  const before = await world.lease();
  expect(await change('db2', 'BACKUP')).toBe('MAIN');
  await becomes('db2', 'BACKUP');
  const after = await world.failedOver(before.epoch);
  expect(after.holder).not.toBe('db2');
  // It was handed over: nobody is kept out, and the engine of the former main follows as a backup.
  expect(after.shunned).toEqual({});
  await world.healthy();
  expect(await codeOf(after.holder ?? '', '/primary')).toBe(200);
});

test('without the token nothing is told and nothing is done', async () => {
  const before = await world.authority();
  const replies = await Promise.all(
    ([{}, { authorization: 'token wrong' }] as Record<string, string>[]).map((headers) =>
      fetch(urlOf('db3', '/rest/ha/status?change=MAIN'), { method: 'POST', headers }),
    ),
  );
  expect(replies.map(({ status }) => status)).toEqual([401, 401]);
  expect(await world.authority()).toEqual(before);
});

interface Replied {
  status: number;
  json: Record<string, unknown>;
}

/** The event that an HTTP API with AWS_IAM hands to its function (payload 2.0). */
async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Replied> {
  const event = {
    version: '2.0',
    rawPath: path,
    headers: { 'content-type': 'application/json', ...headers },
    requestContext: {
      requestId: 'e2e',
      http: { method },
      authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/ann' } },
    },
    isBase64Encoded: false,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const FunctionName = `${world.stack.facts.stackName}-api`;
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  const { statusCode, body: text } = JSON.parse(Buffer.from(Payload ?? []).toString());
  return { status: statusCode, json: JSON.parse(text) };
}

test('the control plane’s API shows the cluster and moves it, once for one key', async () => {
  const { holder, epoch } = await world.healthy();
  const seen = await call('GET', `/v1/clusters/${cluster}`);
  expect(routes.getCluster.answers[200].shape.parse(seen.json)).toMatchObject({ cluster, main: holder });

  const to = holder === 'db1' ? 'db2' : 'db1';
  const start = () =>
    call(
      'POST',
      `/v1/clusters/${cluster}/operations`,
      { kind: 'switchover', to, reason: 'e2e' },
      { 'idempotency-key': 'e2e-00001' },
    );
  const [one, two] = await Promise.all([start(), start()]);
  expect([one.status, two.status]).toEqual([202, 202]);
  expect(two.json.operation).toBe(one.json.operation);
  expect((await world.failedOver(epoch)).holder).toBe(to);
  await world.healthy();

  const operation = String(one.json.operation);
  await world.until('the execution is over', async () => {
    const looked = await call('GET', `/v1/clusters/${cluster}/operations/${operation}`);
    return looked.json.status === 'SUCCEEDED';
  });
  const looked = await call('GET', `/v1/clusters/${cluster}/operations/${operation}`);
  expect(routes.getOperation.answers[200].shape.parse(looked.json)).toMatchObject({
    kind: 'switchover',
    ended: 'done',
    to,
  });
  expect(await start()).toMatchObject({ status: 202, json: { operation, replayed: true } });
  expect((await world.lease()).epoch).toBe(epoch + 1);
});

test('the token is in the files that hold it, and in nothing that was logged, journaled, stored or printed', async () => {
  const secret = token('db1');
  const { dir, nodes } = world.stack.facts;
  const holding = await new Promise<string>((resolve) => {
    execFile('grep', ['-rlF', '--exclude-dir=volume', '--', secret, dir], (_, stdout) => resolve(stdout));
  });
  expect(holding.trim().split('\n').sort()).toEqual(nodes.map((node) => nodeFiles(node.dir).secret).sort());
  const printed = await Promise.all(
    ['status', 'history', 'explain', 'report'].map(async (verb) => (await world.cli(verb, cluster, '--json')).stdout),
  );
  expect(printed.every((text) => text.length > 100)).toBe(true);
  expect([...printed, JSON.stringify(await world.journal())].filter((text) => text.includes(secret))).toEqual([]);
});
