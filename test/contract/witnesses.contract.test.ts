// The contract of Witnesses (core/ports.ts) over the real channel: only who knows the cluster's secret is answered or believed.

import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWitnesses, hearQuestions } from '../../adapters/witnesses';
import type { Question, Word } from '../../core/failsafe';
import { judgeQuestion } from '../../core/failsafe';
import { aLease, aNode, problem, value } from '../support/samples';

const secret = 'a-secret-that-all-nodes-of-the-cluster-share';
const question: Question = { cluster: 'alpha', epoch: 3, holder: 'db1' };
const yes: Word = { given: true, epoch: 3, because: 'lost too' };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function node(answer: (asked: Question) => Word, of = secret) {
  const server = hearQuestions({ port: 0, secret: of }, answer, () => undefined);
  return listening(server);
}

async function listening(server: Server) {
  servers.push(server);
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
  return aNode('db2', { host: '127.0.0.1', agentPort: (server.address() as AddressInfo).port });
}

const ask = (to: ReturnType<typeof aNode>, mine = secret, timeoutMs = 1000) =>
  createWitnesses({ secret: mine, timeoutMs }).ask(to, question);

test('a question is heard as it was asked, and its answer as it was given', async () => {
  const heard: Question[] = [];
  const at = await node((asked) => {
    heard.push(asked);
    return yes;
  });
  expect(value(await ask(at))).toEqual(yes);
  expect(heard).toEqual([question]);
});

test('who asks with another secret is not answered', async () => {
  const at = await node(() => yes, 'another-secret-of-another-cluster-somewhere');
  expect(problem(await ask(at))).toMatchObject({ code: 'Unreachable', message: expect.stringContaining('secret') });
});

test('an answer that was made by somebody else, or to another question, is not believed', async () => {
  let kept = { seal: '', body: '' };
  const first = await node(() => yes);
  const seal = await new Promise<{ seal: string; body: string }>((resolve) => {
    // Between the two stands somebody who keeps what was said, and plays it back.
    const between = createServer(async (incoming, outgoing) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      const reply = await fetch(`http://127.0.0.1:${first.agentPort}${incoming.url}`, {
        ...{ method: 'POST', body, headers: { 'x-seal': String(incoming.headers['x-seal']) } },
      });
      kept = kept.seal === '' ? { seal: reply.headers.get('x-seal') ?? '', body: await reply.text() } : kept;
      outgoing.writeHead(200, { 'x-seal': kept.seal }).end(kept.body);
    });
    between.listen(0, '127.0.0.1', async () => {
      const at = await listening(between);
      expect(value(await ask(at))).toEqual(yes);
      expect(problem(await ask(at)).message).toContain('not authentic');
      resolve(kept);
    });
  });
  expect(seal.body).toContain('lost too');
});

test('who does not answer is given up in time', async () => {
  const at = await listening(createServer(() => undefined).listen(0, '127.0.0.1'));
  expect(problem(await ask(at, secret, 100))).toMatchObject({ code: 'Unreachable' });
});

describe('a word is given only by who knows what the main knows', () => {
  const lease = aLease('alpha', { holder: 'db1', phase: 'held', epoch: 3 });
  const standing = { cluster: 'alpha', mode: 'failsafe' as const, lease, storeLost: true };
  test('by a node that has lost the store, at the same epoch', () =>
    expect(judgeQuestion(question, standing)).toMatchObject({ given: true, epoch: 3 }));
  test.each([
    ['that reaches the store', { storeLost: false }, 'reaches the store'],
    ['that knows a newer epoch', { lease: { ...lease, epoch: 4 } }, 'the epoch is 4'],
    ['that knows another holder', { lease: { ...lease, holder: 'db3' } }, 'by db3'],
    ['that has not read the lease yet', { lease: null }, 'has not read the lease'],
    ['of a cluster that is strict', { mode: 'strict' as const }, 'strict'],
    ['of another cluster', { cluster: 'beta' }, 'belongs to beta'],
    ['while the main is drained', { lease: { ...lease, drain: 'transfer' as const } }, 'held by db1'],
  ])('not by one %s', (_, change, because) => {
    const word = judgeQuestion(question, { ...standing, ...change });
    expect(word).toMatchObject({ given: false, because: expect.stringContaining(because) });
  });
});
