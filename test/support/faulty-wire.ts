// The wire between an SDK client and its endpoint, with faults as they are on a real one: answers that say 500 or "slow down"
// in the protocol of the service, connections that are reset, answers that never come or break off, before or after the work
// was done. Everything else passes untouched. One planned fault strikes one request.

import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WireFault {
  name: string;
  /** Whether the endpoint does the work before the fault strikes. */
  happens: boolean;
  strike: (outgoing: ServerResponse, asked: Asked, answer: Answer | null) => void;
}

export interface Asked {
  /** As it stands in the signature: dynamodb, states, events, ec2 … */
  service: string;
  /** `PutItem`, `AssociateAddress`, `POST /2013-04-01/hostedzone/…` */
  action: string;
  protocol: 'json' | 'query' | 'rest-xml';
}
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

const throttling: Record<Asked['protocol'], { status: number; code: string }> = {
  json: { status: 400, code: 'ThrottlingException' },
  query: { status: 503, code: 'RequestLimitExceeded' },
  'rest-xml': { status: 400, code: 'Throttling' },
};

function refuse(outgoing: ServerResponse, { protocol }: Asked, status: number, code: string): void {
  const words = 'said by the faulty wire';
  const body = {
    json: JSON.stringify({ __type: code, message: words }),
    query: `<Response><Errors><Error><Code>${code}</Code><Message>${words}</Message></Error></Errors><RequestID>R</RequestID></Response>`,
    'rest-xml': `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${words}</Message></Error><RequestId>R</RequestId></ErrorResponse>`,
  }[protocol];
  const type = protocol === 'json' ? 'application/x-amz-json-1.0' : 'text/xml';
  outgoing.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

const reset = (outgoing: ServerResponse): void => void outgoing.socket?.resetAndDestroy();
/** The client's own bound has to end it. */
const never = (): void => undefined;

/** What may happen to one request, by name. */
export const wireFaults: WireFault[] = [
  {
    name: 'throttled',
    happens: false,
    strike: (outgoing, asked) =>
      refuse(outgoing, asked, throttling[asked.protocol].status, throttling[asked.protocol].code),
  },
  { name: 'a 500', happens: false, strike: (outgoing, asked) => refuse(outgoing, asked, 500, 'InternalFailure') },
  { name: 'a 503', happens: false, strike: (outgoing, asked) => refuse(outgoing, asked, 503, 'ServiceUnavailable') },
  {
    name: 'a 500 after success',
    happens: true,
    strike: (outgoing, asked) => refuse(outgoing, asked, 500, 'InternalFailure'),
  },
  { name: 'a reset', happens: false, strike: reset },
  { name: 'a reset after success', happens: true, strike: reset },
  { name: 'a time-out', happens: false, strike: never },
  { name: 'a time-out after success', happens: true, strike: never },
  {
    name: 'an answer that breaks off',
    happens: true,
    strike: (outgoing, _, answer) => {
      const whole = answer?.body.length ?? 0;
      outgoing.writeHead(answer?.status ?? 200, { ...answer?.headers, 'content-length': whole + 10 });
      outgoing.write(answer?.body.subarray(0, Math.floor(whole / 2)), () => outgoing.socket?.destroy());
    },
  },
];

export class FaultyWire {
  private readonly agent = new Agent({ keepAlive: true });
  private planned: { fault: WireFault; at: RegExp } | null = null;
  /** Actions that the endpoint has answered, in order. */
  passed: string[] = [];
  /** Hears every request that the endpoint has answered. */
  onPass: (asked: Asked, body: Buffer, answer: Buffer) => void = () => undefined;

  private constructor(
    private readonly server: Server,
    private readonly account: URL,
  ) {}

  static async listen(endpoint: string): Promise<FaultyWire> {
    const server = createServer();
    const wire = new FaultyWire(server, new URL(endpoint));
    server.on('request', (incoming, outgoing) => {
      wire.serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next request whose action matches meets the fault. */
  next(fault: WireFault, at = /./): void {
    this.planned = { fault, at };
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    this.agent.destroy();
  }

  private async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => undefined);
    const body = await bodyOf(incoming);
    const asked = askedBy(incoming, body);
    const fault = this.planned?.at.test(asked.action) ? this.planned.fault : null;
    if (fault) this.planned = null;
    const answer = fault && !fault.happens ? null : await this.pass(incoming, body);
    if (answer) {
      this.passed.push(asked.action);
      this.onPass(asked, body, answer.body);
    }
    if (fault) fault.strike(outgoing, asked, answer);
    else if (answer) outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  private async pass(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.account;
    const { method, url: path, headers } = incoming;
    const heard = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ hostname, port, method, path, headers, agent: this.agent }, resolve).once('error', reject).end(body);
    });
    const { 'transfer-encoding': _, ...kept } = heard.headers;
    const answered = await bodyOf(heard);
    const whole = { ...(kept as Record<string, string>), 'content-length': String(answered.length) };
    return { status: heard.statusCode ?? 502, headers: whole, body: answered };
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What is asked, in the service's own words. */
function askedBy({ headers, method, url }: IncomingMessage, body: Buffer): Asked {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(String(headers.authorization))?.[1] ?? '';
  const target = String(headers['x-amz-target'] ?? '');
  if (target) return { service, action: target.split('.').at(-1) ?? '', protocol: 'json' };
  if (String(headers['content-type']).includes('x-www-form-urlencoded'))
    return { service, action: new URLSearchParams(body.toString()).get('Action') ?? '', protocol: 'query' };
  return { service, action: `${method} ${url}`, protocol: 'rest-xml' };
}
