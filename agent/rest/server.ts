// The node's REST API over HTTPS (plain only where the settings say so): limits, time-outs, and the files that it reads again when
// they change. Beside the loop of the agent and never in its way; it holds no lease and no engine.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Clock } from '../../core/ports';
import { problemAnswer, type RestAnswer, type RestRequest } from './answers';
import { createTokenCheck } from './token';

export interface RestSettings {
  port: number;
  listen: string;
  certFile?: string | undefined;
  keyFile?: string | undefined;
  tokenFile: string;
}

const MOST_HEADER_BYTES = 8192;
const MOST_BODY_BYTES = 4096;
const MOST_PATH_LETTERS = 1024;
const MOST_CONNECTIONS = 200;
/** Headers and body must be here by then: one slow client takes a connection, nothing else. */
const REQUEST_MS = 5000;
/** Certificate and token are looked at so often: they change without a restart. */
const LOOK_MS = 30_000;
/** Shorter tokens are guessed. */
const LEAST_TOKEN = 32;

interface Files {
  token: string;
  tls: { cert: string; key: string } | null;
}

const pathsOf = ({ tokenFile, certFile, keyFile }: RestSettings): string[] => [
  tokenFile,
  ...(certFile && keyFile ? [certFile, keyFile] : []),
];

function filesFrom([token = '', cert, key]: string[], { tokenFile }: RestSettings): Files {
  const trimmed = token.trim();
  if (trimmed.length < LEAST_TOKEN || /\s/.test(trimmed))
    throw new Error(`the REST API needs a token of ${LEAST_TOKEN} letters or more, without spaces: see ${tokenFile}`);
  return { token: trimmed, tls: cert === undefined || key === undefined ? null : { cert, key } };
}

export interface RestServer {
  /** Resolves when it listens; null when it cannot, which is logged: the node serves without it. */
  listening: Promise<number | null>;
  /** Reads certificate and token again; public for tests. */
  reload(): Promise<void>;
  stop(): void;
}

export interface RestServerParts {
  settings: RestSettings;
  clock: Clock;
  answersFor: (
    isKnown: (authorization: string | undefined) => boolean,
  ) => (request: RestRequest) => Promise<RestAnswer>;
  log: (message: string, details?: Record<string, unknown>) => void;
}

export function serveRest({ settings, clock, answersFor, log }: RestServerParts): RestServer {
  let files = filesFrom(
    pathsOf(settings).map((path) => readFileSync(path, 'utf8')),
    settings,
  );
  let isKnown = createTokenCheck(files.token);
  const answers = answersFor((authorization) => isKnown(authorization));
  const listener: RequestListener = (incoming, outgoing) => {
    void heard(incoming, answers)
      .catch((error: Error) => {
        // A caller who has gone away is no fault.
        if (!incoming.destroyed) log('a request could not be answered', { problem: error.message });
        return failed;
      })
      .then((answer) => send(incoming, outgoing, answer));
  };
  const server = opened(files, listener);
  const listening = new Promise<number | null>((resolve) => {
    server.once('listening', () => resolve((server.address() as { port: number }).port));
    server.on('error', (error) => {
      log(`the REST API does not listen: ${error.message}`);
      resolve(null);
    });
  });
  server.listen(settings.port, settings.listen);
  let stopped = false;
  // Never a synchronous read here: a disk that hangs must not hang the loop.
  const reload = async (): Promise<void> => {
    try {
      const now = filesFrom(await Promise.all(pathsOf(settings).map((path) => readFile(path, 'utf8'))), settings);
      if (JSON.stringify(now) === JSON.stringify(files)) return;
      if (now.tls && 'setSecureContext' in server) server.setSecureContext(now.tls);
      files = now;
      isKnown = createTokenCheck(files.token);
      log('the REST API has read its certificate and its token again');
    } catch (error) {
      log('certificate or token cannot be read: the old ones stay', { problem: (error as Error).message });
    }
  };
  void (async () => {
    for (; !stopped; await reload()) await clock.sleep(LOOK_MS);
  })();
  const stop = (): void => {
    stopped = true;
    server.close();
    server.closeAllConnections();
  };
  return { listening, reload, stop };
}

function opened({ tls }: Files, listener: RequestListener): Server | SecureServer {
  const limits = {
    maxHeaderSize: MOST_HEADER_BYTES,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
  };
  const server = tls
    ? createSecureServer({ ...limits, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: REQUEST_MS }, listener)
    : createServer(limits, listener);
  server.maxConnections = MOST_CONNECTIONS;
  // Of a socket on which nothing happens.
  server.timeout = 2 * REQUEST_MS;
  return server;
}

const failed = problemAnswer(500, {
  code: 'Bug',
  message: 'this is a fault of the agent',
  next: "see the agent's log",
});
const tooLong = problemAnswer(
  413,
  {
    code: 'TooLarge',
    message: `a body has ${MOST_BODY_BYTES} bytes at most, a path ${MOST_PATH_LETTERS} letters`,
    next: 'send no body',
  },
  { connection: 'close' },
);

async function heard(
  incoming: IncomingMessage,
  answers: (request: RestRequest) => Promise<RestAnswer>,
): Promise<RestAnswer> {
  const { url = '/', method = 'GET', headers, socket } = incoming;
  if (url.length > MOST_PATH_LETTERS || Number(headers['content-length'] ?? 0) > MOST_BODY_BYTES) return tooLong;
  let bytes = 0;
  // Nobody's body is used: the contract has none. It is read to its end so that the connection can go on.
  for await (const chunk of incoming) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BODY_BYTES) return tooLong;
  }
  const at = url.indexOf('?');
  return answers({
    method,
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
    authorization: headers.authorization,
    from: socket.remoteAddress ?? 'unknown',
  });
}

function send(
  { method }: IncomingMessage,
  outgoing: ServerResponse,
  { status, type, body, headers }: RestAnswer,
): void {
  if (outgoing.destroyed) return;
  const text = method === 'OPTIONS' ? '' : body;
  outgoing.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  outgoing.end(method === 'HEAD' ? undefined : text);
}
