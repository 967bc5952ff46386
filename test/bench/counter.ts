// A tiny HTTP proxy between one node and the account's DynamoDB endpoint: passes everything through untouched and counts
// what it would be billed as. Holds requests back until it is told where the account is.

import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Billed, billed } from './request-units';

export class Counter {
  private readonly agent = new Agent({ keepAlive: true, noDelay: true });
  private toldWhere: (endpoint: URL) => void = () => undefined;
  private readonly account = new Promise<URL>((resolve) => {
    this.toldWhere = resolve;
  });
  seen: Billed[] = [];

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<Counter> {
    const server = createServer({ noDelay: true });
    const counter = new Counter(server);
    server.on('request', (incoming, outgoing) => {
      counter.pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return counter;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  connect(endpoint: string): void {
    this.toldWhere(new URL(endpoint));
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    this.agent.destroy();
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = await bodyOf(incoming);
    const { hostname, port } = await this.account;
    const { method, url: path, headers } = incoming;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ hostname, port, method, path, headers, agent: this.agent }, resolve).once('error', reject).end(asked);
    });
    const answered = await bodyOf(answer);
    const { 'transfer-encoding': _, ...kept } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 502, { ...kept, 'content-length': answered.length }).end(answered);
    this.seen.push(billed(String(headers['x-amz-target'] ?? ''), json(asked), json(answered)));
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const json = (body: Buffer): object => (body.length > 0 ? JSON.parse(body.toString()) : {});
