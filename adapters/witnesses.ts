// How agents ask each other for their word: HTTP with a secret that all nodes of the cluster share. A question and its answer are
// authenticated together (HMAC over both and a number that is used once), so an answer can be neither made nor played back.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import * as z from 'zod/mini';
import type { Question, Word } from '../core/failsafe';
import type { NodeConfig } from '../core/model';
import type { Outside, Witnesses } from '../core/ports';
import { fail, ok } from '../core/result';
import { unreachable } from './problems';

const PATH = '/word';
/** Longer ones are nobody's question. */
const MOST_BYTES = 4096;

const asked = z.strictObject({ cluster: z.string(), epoch: z.number(), holder: z.string(), once: z.string() });
const said = z.looseObject({ given: z.boolean(), epoch: z.number(), because: z.string() });

const sealOf = (secret: string, ...parts: string[]): string =>
  createHmac('sha256', secret).update(JSON.stringify(parts)).digest('hex');

function isSealed(seal: unknown, secret: string, ...parts: string[]): boolean {
  const [mine, theirs] = [Buffer.from(sealOf(secret, ...parts)), Buffer.from(String(seal ?? ''))];
  return mine.length === theirs.length && timingSafeEqual(mine, theirs);
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) {
    text += chunk;
    if (text.length > MOST_BYTES) throw new Error('too long');
  }
  return text;
}

/** Answers questions that carry the cluster's seal; everything else is refused without a reason. */
export function hearQuestions(
  { port, secret }: { port: number; secret: string },
  answer: (question: Question) => Word,
  log: (message: string) => void,
): Server {
  const server = createServer(async (incoming, outgoing) => {
    const text = await bodyOf(incoming).catch(() => '');
    const question =
      incoming.url === PATH && isSealed(incoming.headers['x-seal'], secret, text) ? parse(asked, text) : null;
    if (question === null) {
      outgoing.writeHead(403).end();
      return;
    }
    const { once, ...rest } = question;
    const word = JSON.stringify(answer(rest));
    outgoing.writeHead(200, { 'x-seal': sealOf(secret, once, word) }).end(word);
  });
  server.on('error', (error) => log(`the others cannot ask this node for its word: ${error.message}`));
  server.requestTimeout = 5000;
  server.listen(port);
  return server;
}

function parse<T>(shape: z.ZodMiniType<T>, text: string): T | null {
  try {
    const parsed = shape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function createWitnesses({ secret, timeoutMs }: { secret: string; timeoutMs: number }): Witnesses {
  return { ask: (node, question) => ask(node, question, secret, timeoutMs) };
}

function ask(
  { name, host, agentPort }: NodeConfig,
  question: Question,
  secret: string,
  timeoutMs: number,
): Outside<Word> {
  const once = randomBytes(16).toString('hex');
  const text = JSON.stringify({ ...question, once });
  return new Promise((resolve) => {
    const lost = (why: string) => resolve(fail(unreachable(`${name} does not answer: ${why}`, 'see its agent')));
    const headers = { 'x-seal': sealOf(secret, text), 'content-length': Buffer.byteLength(text) };
    const call = request(
      { host, port: agentPort, path: PATH, method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs) },
      async (reply) => {
        const answer = await bodyOf(reply).catch(() => '');
        const word = isSealed(reply.headers['x-seal'], secret, once, answer) ? parse(said, answer) : null;
        if (word === null) lost(reply.statusCode === 403 ? 'its secret is another one' : 'its answer is not authentic');
        else resolve(ok(word));
      },
    );
    call.once('error', ({ name: kind, message }) =>
      lost(kind === 'TimeoutError' || kind === 'AbortError' ? `nothing within ${timeoutMs} ms` : message),
    );
    call.end(text);
  });
}

/** Where nobody is asked: every word is refused. */
export const noWitnesses: Witnesses = {
  ask: async ({ name }) => fail(unreachable(`${name} is not asked: onStoreLoss is strict`, 'nothing')),
};
