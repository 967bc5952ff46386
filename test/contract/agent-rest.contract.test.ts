// Seed 000's contract and the checks for load balancers, by real requests over HTTPS against real agents in memory: who may ask,
// what is answered, what a POST sets off, and what no caller can do to the node.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RestServer } from '../../agent/rest/server';
import { startRest } from '../../agent/rest/start';
import type { ChangeRequested } from '../../core/change';
import { type AgentWorld, createAgentWorld } from '../support/agent-world';
import { called } from '../support/surface';

const token = 'a-token-of-thirty-two-letters-or-more';
const dir = mkdtempSync(join(tmpdir(), 'mainstay-rest-'));
const at = (name: string) => join(dir, name);

beforeAll(() => {
  writeFileSync(at('token'), `${token}\n`);
  for (const name of ['one', 'two']) certify(name);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function certify(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...key, ...subject, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)],
    {
      stdio: 'ignore',
    },
  );
}

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  ca?: string;
}

let world: AgentWorld;
const servers: RestServer[] = [];
const logged: string[] = [];
const ports: Record<string, number> = {};

beforeEach(async () => {
  world = await createAgentWorld();
  logged.length = 0;
  for (const name of Object.keys(world.agents)) ports[name] = await serve(name);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

async function serve(
  name: string,
  tls = true,
  files = { certFile: at('one.crt'), keyFile: at('one.key') },
): Promise<number> {
  const agent = world.agents[name];
  if (!agent) throw new Error(name);
  const { config, clock, events, store } = world;
  const server = startRest({
    settings: { port: 0, listen: '127.0.0.1', tokenFile: at('token'), ...(tls ? files : {}) },
    ...{ agent, config, clock, events, reports: store.reports },
    ids: { next: () => `request-${events.published.length}` },
    log: (message) => logged.push(message),
  });
  servers.push(server);
  return (await server.listening) ?? 0;
}

function send(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, ca = 'one' }: Call = {},
): Promise<Reply> {
  const options = { host: '127.0.0.1', port, path, method, headers, agent: false, ca: readFileSync(at(`${ca}.crt`)) };
  return new Promise((resolve, reject) => {
    const call = request(options, (reply) => {
      let text = '';
      reply.on('data', (chunk) => (text += chunk));
      reply.on('end', () => {
        called('node', `${method} ${path.split('?')[0]}`, reply.statusCode ?? 0);
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: text });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

const authorised = { authorization: `token ${token}` };
const ask = (name: string, path: string, call: Call = {}) =>
  send(ports[name] ?? 0, path, { headers: authorised, ...call });
const status = async (name: string) => (await ask(name, '/rest/ha/status')).body;
const post = (name: string, change: string) => ask(name, `/rest/ha/status?change=${change}`, { method: 'POST' });
const check = (name: string, path: string, method = 'GET') => send(ports[name] ?? 0, path, { method });
const requests = () => world.events.published.filter(({ type }) => type === 'Change Requested');

describe('GET /rest/ha/status', () => {
  test('says MAIN on the main and BACKUP on every other node, as plain text', async () => {
    const reply = await ask('db1', '/rest/ha/status');
    expect(reply).toMatchObject({ status: 200, body: 'MAIN' });
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect([await status('db2'), await status('db3')]).toEqual(['BACKUP', 'BACKUP']);
  });

  test.each([
    ['no header', {}],
    ['another token', { authorization: 'token another-token-of-thirty-two-letters' }],
    ['the token without its scheme', { authorization: token }],
    ['another scheme', { authorization: `Bearer ${token}` }],
    ['a part of the token', { authorization: `token ${token.slice(0, -1)}` }],
    ['an empty token', { authorization: 'token ' }],
  ])('answers 401 to %s, always in the same words', async (_, headers) => {
    const reply = await ask('db1', '/rest/ha/status', { headers });
    const bare = await ask('db1', '/rest/nothing-here', { headers: {} });
    expect(reply.status).toBe(401);
    expect(reply.body).toBe(bare.body);
    expect(reply.body).not.toContain(token.slice(0, 8));
  });

  test('knows no method but GET, HEAD and POST, and no path below /rest but this one', async () => {
    expect(await ask('db1', '/rest/ha/status', { method: 'DELETE' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST' },
    });
    expect((await ask('db1', '/rest/ha')).status).toBe(404);
  });
});

describe('POST /rest/ha/status', () => {
  test('MAIN on a backup asks for a switchover to it, once, however often it is said', async () => {
    const [first, second] = [await post('db2', 'MAIN'), await post('db2', 'MAIN')];
    expect(first).toMatchObject({ status: 200, body: 'BACKUP' });
    expect(second.headers['mainstay-operation']).toBe(first.headers['mainstay-operation']);
    expect(first.headers['mainstay-operation']).toMatch(/^alpha-switchover-e7-/);
    expect(requests()).toHaveLength(1);
    expect(requests()[0]?.detail).toMatchObject({
      ...{ cluster: 'alpha', epoch: 7, node: 'db2', change: 'MAIN', kind: 'switchover', to: 'db2' },
      by: 'rest:db2 (127.0.0.1)',
    } satisfies Partial<ChangeRequested>);
  });

  test('BACKUP on the main asks for a switchover away from it', async () => {
    expect(await post('db1', 'BACKUP')).toMatchObject({ status: 200, body: 'MAIN' });
    expect(requests()[0]?.detail).toMatchObject({ change: 'BACKUP', kind: 'switchover', to: null });
  });

  test('what is so already is answered 200, and nothing is asked for', async () => {
    expect(await post('db1', 'MAIN')).toMatchObject({ status: 200, body: 'MAIN' });
    expect(await post('db2', 'BACKUP')).toMatchObject({ status: 200, body: 'BACKUP' });
    expect(requests()).toEqual([]);
  });

  test('MAIN on a backup whose main is silent asks for a failover to it', async () => {
    await world.agents.db1?.stop(0);
    await world.setLease({ phase: 'held', holder: 'db1', pausedBy: null });
    await world.clock.advance(6000);
    expect((await post('db2', 'MAIN')).status).toBe(200);
    expect(requests()[0]?.detail).toMatchObject({ kind: 'failover', to: 'db2' });
  });

  test.each([
    [
      'is shunned',
      { shunned: { db2: { label: 'FAILED-OVER-TO-db1', epoch: 7 } } },
      'NotShunned',
      /mainstay recover alpha db2/,
    ],
    [
      'belongs to a paused cluster',
      { phase: 'paused' as const, pausedBy: 'operator' as const },
      'NotServing',
      /mainstay resume alpha/,
    ],
    [
      'sees another operation',
      { operation: { id: 'x-1', kind: 'recover' as const, by: 'ann', since: '2026-01-01T00:00:00.000Z' } },
      'Busy',
      /mainstay history alpha --operation x-1/,
    ],
  ])('MAIN on a node that %s is refused with what to do', async (_, change, code, next) => {
    await world.setLease(change);
    await world.clock.advance(1500);
    const reply = await post('db2', 'MAIN');
    expect(reply.status).toBe(409);
    expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(JSON.parse(reply.body)).toMatchObject({ status: 409, code, title: code, next: expect.stringMatching(next) });
    expect(requests()).toEqual([]);
  });

  test.each(['', '?change=', '?change=main', '?change=MAIN&change=BACKUP', '?change=REPLICA', '?role=MAIN'])(
    'a change that says %p is refused, and says which there are',
    async (query) => {
      const reply = await ask('db2', `/rest/ha/status${query}`, { method: 'POST' });
      expect(reply.status).toBe(400);
      expect(JSON.parse(reply.body)).toMatchObject({
        code: 'Usage',
        detail: expect.stringContaining('MAIN or BACKUP'),
      });
      expect(requests()).toEqual([]);
    },
  );

  test('T57: a request carries the epoch at which it was made, and one made at a later epoch is another one', async () => {
    const first = await post('db2', 'MAIN');
    await world.setLease({ epoch: 8 });
    await world.clock.advance(3000);
    const second = await post('db2', 'MAIN');
    expect([first, second].map(({ headers }) => headers['mainstay-operation'])).toEqual([
      expect.stringMatching(/-e7-/),
      expect.stringMatching(/-e8-/),
    ]);
  });

  test('a request that was announced and started nothing may be made anew after 10 s', async () => {
    const first = await post('db2', 'MAIN');
    await world.clock.advance(9_000);
    await post('db2', 'MAIN');
    expect(requests()).toHaveLength(1);
    await world.clock.advance(2_000);
    const third = await post('db2', 'MAIN');
    expect(requests()).toHaveLength(2);
    expect(third.headers['mainstay-operation']).toMatch(/^alpha-switchover-e7-/);
    expect(third.headers['mainstay-operation']).not.toBe(first.headers['mainstay-operation']);
  });

  test('who asked is in the journal, and the token is nowhere', async () => {
    await post('db2', 'MAIN');
    await world.clock.advance(1000);
    const listed = await world.store.journal.list('alpha');
    const text = JSON.stringify([listed, world.events.published, logged]);
    expect(text).toContain('rest:db2 (127.0.0.1) asks db2 to become MAIN: switchover');
    expect(text).not.toContain(token);
  });
});

describe('checks for load balancers', () => {
  test('only the rightful holder is the primary, under each of its names', async () => {
    for (const path of ['/primary', '/master', '/leader']) {
      expect((await check('db1', path)).status).toBe(200);
      expect((await check('db2', path)).status).toBe(503);
    }
  });

  test('the main and a backup that is fed by it are ready', async () => {
    for (const name of ['db1', 'db2']) expect((await check(name, '/readiness')).status).toBe(200);
  });

  test('only a backup that is fed by the main is a replica', async () => {
    expect((await check('db1', '/replica')).status).toBe(503);
    expect((await check('db2', '/replica')).status).toBe(200);
    const { db2 } = world.engines;
    if (db2) db2.status = { ...db2.status, streaming: false };
    await world.clock.advance(1500);
    expect((await check('db2', '/replica')).status).toBe(503);
  });

  test('T36: a shunned node is no replica', async () => {
    await world.setLease({ shunned: { db2: { label: 'FAILED-OVER-TO-db1', epoch: 7 } } });
    await world.clock.advance(1500);
    expect((await check('db2', '/replica')).status).toBe(503);
    expect((await check('db2', '/readiness')).status).toBe(503);
  });

  test('T32: with ?lag= a replica counts only what its readers see, against the main’s last report', async () => {
    const { db2 } = world.engines;
    if (db2) db2.status = { ...db2.status, applied: { timeline: 1, bytes: 50_331_648 - 1000 } };
    await world.clock.advance(1500);
    expect((await check('db2', '/replica?lag=999')).status).toBe(503);
    const good = await check('db2', '/replica?lag=1000');
    expect(good.status).toBe(200);
    expect(JSON.parse(good.body)).toMatchObject({ node: 'db2', role: 'BACKUP', lagBytes: 1000 });
    expect((await check('db2', '/replica?lag=much')).status).toBe(400);
  });

  test('T10: an engine that hangs stops the loop, the promise runs out, and the node is the primary no more', async () => {
    if (world.engines.db1) world.engines.db1.hang = true;
    await world.clock.advance(2000);
    const before = await check('db1', '/primary');
    await world.clock.advance(2500);
    const after = await check('db1', '/primary');
    expect([before.status, after.status]).toEqual([200, 503]);
    expect(await status('db1')).toBe('BACKUP');
    // The loop itself has not come round for two ttls.
    await world.clock.advance(8000);
    expect((await check('db1', '/liveness')).status).toBe(503);
    expect((await check('db2', '/liveness')).status).toBe(200);
  });

  test('a newer epoch ends the primary of an older one at the next look', async () => {
    await world.setLease({ epoch: 8, phase: 'claimed', holder: null, former: 'db1' });
    await world.clock.advance(1100);
    expect((await check('db1', '/primary')).status).toBe(503);
  });

  test('a main that drains is not the primary', async () => {
    await world.setLease({ drain: 'transfer' });
    await world.clock.advance(1100);
    expect((await check('db1', '/primary')).status).toBe(503);
  });

  test('say who they are, without a token and without a secret', async () => {
    const { body, headers } = await check('db1', '/health');
    expect(JSON.parse(body)).toMatchObject({
      ...{ cluster: 'alpha', node: 'db1', role: 'MAIN', state: 'main', epoch: 7, phase: 'held', main: 'db1' },
      engine: { running: true, writable: true },
    });
    expect(headers['cache-control']).toBe('no-store');
    expect(body).not.toMatch(/token|secret|password|nonce/i);
  });

  test('HEAD and OPTIONS answer the code alone, POST is not known', async () => {
    expect(await check('db1', '/primary', 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(await check('db2', '/primary', 'OPTIONS')).toMatchObject({ status: 503, body: '' });
    expect((await check('db1', '/primary', 'POST')).status).toBe(405);
  });
});

describe('limits', () => {
  test('who fails ten times from one address is not listened to for a while, with the token or without', async () => {
    for (let round = 0; round < 10; round++)
      expect((await ask('db1', '/rest/ha/status', { headers: {} })).status).toBe(401);
    const locked = await ask('db1', '/rest/ha/status');
    expect(locked).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
    // The checks go on.
    expect((await check('db1', '/primary')).status).toBe(200);
    await world.clock.advance(5000);
    expect((await ask('db1', '/rest/ha/status')).status).toBe(200);
  });

  test('whoever has the token may poll, and not flood', async () => {
    const replies = await Promise.all(Array.from({ length: 21 }, () => ask('db2', '/rest/ha/status')));
    expect(replies.filter(({ status: code }) => code === 200)).toHaveLength(20);
    expect(replies.find(({ status: code }) => code === 429)?.headers['retry-after']).toBe('1');
    await world.clock.advance(200);
    expect((await ask('db2', '/rest/ha/status')).status).toBe(200);
  });

  test('a body beyond 4 KiB, a path beyond 1 KiB and headers beyond 8 KiB are refused', async () => {
    const big = { method: 'POST', body: 'x'.repeat(5000), headers: { ...authorised, 'content-length': '5000' } };
    expect((await ask('db2', '/rest/ha/status?change=MAIN', big)).status).toBe(413);
    expect((await ask('db2', `/${'x'.repeat(2000)}`)).status).toBe(413);
    expect((await ask('db2', '/primary', { headers: { 'x-much': 'x'.repeat(9000) } })).status).toBe(431);
    expect(requests()).toEqual([]);
  });

  test('clients that send nothing, or half a request, keep nobody from being answered', async () => {
    const port = await serve('db1', false);
    const slow = await Promise.all(
      Array.from({ length: 50 }, () => opened(port, 'GET /primary HTTP/1.1\r\nHost: x\r\n')),
    );
    const reply = await new Promise<number>((resolve) =>
      plainRequest({ host: '127.0.0.1', port, path: '/primary', agent: false }, (answer) =>
        resolve(answer.statusCode ?? 0),
      ).end(),
    );
    expect(reply).toBe(200);
    for (const socket of slow) socket.destroy();
  });
});

const opened = (port: number, text: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => undefined);
    socket.write(text);
  });

describe('certificate and token', () => {
  test('are read again without a restart', async () => {
    for (const kind of ['crt', 'key']) writeFileSync(at(`now.${kind}`), readFileSync(at(`one.${kind}`)));
    const port = await serve('db1', true, { certFile: at('now.crt'), keyFile: at('now.key') });
    const server = servers.at(-1);
    expect((await send(port, '/rest/ha/status', { headers: authorised })).status).toBe(200);
    for (const kind of ['crt', 'key']) writeFileSync(at(`now.${kind}`), readFileSync(at(`two.${kind}`)));
    writeFileSync(at('token'), 'another-token-of-thirty-two-letters');
    await server?.reload();
    const headers = { authorization: 'token another-token-of-thirty-two-letters' };
    expect((await send(port, '/rest/ha/status', { headers, ca: 'two' })).status).toBe(200);
    expect((await send(port, '/rest/ha/status', { headers: authorised, ca: 'two' })).status).toBe(401);
    await expect(send(port, '/primary', { ca: 'one' })).rejects.toThrow(/certificate/);
    writeFileSync(at('token'), 'short');
    await server?.reload();
    expect((await send(port, '/rest/ha/status', { headers, ca: 'two' })).status).toBe(200);
    writeFileSync(at('token'), `${token}\n`);
  });

  test('a token that is too short keeps the agent from starting', async () => {
    writeFileSync(at('token'), 'short');
    await expect(serve('db1')).rejects.toThrow(/32 letters or more/);
    writeFileSync(at('token'), `${token}\n`);
  });
});
