// Stands before the emulator for EC2, SSM and Route 53 (zone-front.ts) and makes this machine obey what they say: an instance that is stopped has no
// processes left before the answer goes out, an address that moves takes the relay with it, a command runs on its node.
// Also enforces what the emulator does not (AllowReassociation=false). Everything else is passed through untouched.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { ZoneFront } from './zone-front';

export interface Machine {
  /** Power is cut: resolves when nothing runs any more. */
  powerOff(instanceId: string): Promise<void>;
  powerOn(instanceId: string): Promise<void>;
  isOn(instanceId: string): boolean;
  /** Association of this address changed: to this instance, or to none. */
  addressMoved(allocationId: string, instanceId: string | null): void;
  /** A record of a hosted zone holds this address now. */
  recordMoved(address: string): void;
  /** For faults that must strike just before a VIP is withdrawn. */
  beforeWithdraw(): Promise<void>;
  runDocument(
    instanceId: string,
    document: string,
    parameters: Record<string, string>,
  ): Promise<{ code: number; output: string }>;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The emulator's answer to the same call, or to one of another method at the same place. */
export type Forward = (incoming: IncomingMessage, body: string, method?: string) => Promise<Answer>;

interface Invocation {
  Status: 'Pending' | 'InProgress' | 'Success' | 'Failed';
  StandardOutputContent: string;
  ResponseCode: number;
}

export class CloudFront {
  private readonly server: Server;
  private readonly invocations = new Map<string, Invocation>();
  private zones: ZoneFront | null = null;

  private constructor(
    private readonly emulator: URL,
    private readonly machine: Machine,
  ) {
    this.server = createServer((incoming, outgoing) => {
      this.serve(incoming, outgoing).catch((error) => {
        outgoing.writeHead(502).end(error instanceof Error ? error.message : 'failed');
      });
    });
  }

  static async listen(port: number, emulatorEndpoint: string, machine: Machine): Promise<CloudFront> {
    const front = new CloudFront(new URL(emulatorEndpoint), machine);
    front.zones = await ZoneFront.start((...call) => front.forward(...call), machine);
    await new Promise<void>((resolve, reject) => {
      front.server.once('error', reject);
      front.server.listen(port, '127.0.0.1', resolve);
    });
    return front;
  }

  close(): void {
    this.zones?.close();
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const target = String(incoming.headers['x-amz-target'] ?? '');
    const answer = await this.answer(target, incoming, body);
    outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)) });
    outgoing.end(answer.body);
  }

  private answer(target: string, incoming: IncomingMessage, body: string): Promise<Answer> {
    if (this.zones && ZoneFront.isFor(incoming)) return this.zones.serve(incoming, body);
    return target.startsWith('AmazonSSM.')
      ? this.ssm(target.slice('AmazonSSM.'.length), incoming, body)
      : this.ec2(new URLSearchParams(body), incoming, body);
  }

  // ---- EC2

  private async ec2(call: URLSearchParams, incoming: IncomingMessage, body: string): Promise<Answer> {
    const action = call.get('Action') ?? '';
    const instances = [...call.entries()].flatMap(([key, value]) => (key.startsWith('InstanceId') ? [value] : []));
    if (action === 'StopInstances' || action === 'TerminateInstances') {
      await Promise.all(instances.map((id) => this.machine.powerOff(id)));
    }
    if (action === 'AssociateAddress' && call.get('AllowReassociation') === 'false') {
      const owner = await this.ownerOf(call.get('AllocationId') ?? '', incoming);
      if (owner !== null && owner !== call.get('InstanceId'))
        return alreadyAssociated(call.get('AllocationId') ?? '', owner);
    }
    if (action === 'DisassociateAddress') await this.machine.beforeWithdraw();
    const answer = await this.forward(incoming, body);
    if (answer.status !== 200) return answer;
    if (action === 'StartInstances') await Promise.all(instances.map((id) => this.machine.powerOn(id)));
    if (action === 'AssociateAddress' || action === 'DisassociateAddress') await this.obeyAddresses(incoming);
    return answer;
  }

  private async ownerOf(allocationId: string, incoming: IncomingMessage): Promise<string | null> {
    return (await this.addresses(incoming)).get(allocationId) ?? null;
  }

  private async obeyAddresses(incoming: IncomingMessage): Promise<void> {
    for (const [allocationId, instanceId] of await this.addresses(incoming))
      this.machine.addressMoved(allocationId, instanceId);
  }

  /** Instance of each address, as the emulator has it now. */
  private async addresses(incoming: IncomingMessage): Promise<Map<string, string | null>> {
    const { body } = await this.forward(incoming, 'Action=DescribeAddresses&Version=2016-11-15');
    const items = body.split('<allocationId>').slice(1);
    return new Map(items.map((item) => [item.split('<')[0] ?? '', /<instanceId>([^<]+)</.exec(item)?.[1] ?? null]));
  }

  // ---- SSM Run Command

  private async ssm(operation: string, incoming: IncomingMessage, body: string): Promise<Answer> {
    if (operation === 'SendCommand') return this.sendCommand(JSON.parse(body));
    if (operation === 'GetCommandInvocation') return this.getInvocation(JSON.parse(body));
    return this.forward(incoming, body);
  }

  private sendCommand(call: {
    DocumentName: string;
    InstanceIds: string[];
    Parameters?: Record<string, string[]>;
  }): Answer {
    const off = call.InstanceIds.filter((id) => !this.machine.isOn(id));
    if (off.length > 0) return ssmError('InvalidInstanceId', `not in a valid state for account: ${off.join(', ')}`);
    const CommandId = randomUUID();
    const parameters = Object.fromEntries(
      Object.entries(call.Parameters ?? {}).map(([name, values]) => [name, values[0] ?? '']),
    );
    for (const id of call.InstanceIds) void this.invoke(`${CommandId}/${id}`, id, call.DocumentName, parameters);
    return json(200, {
      Command: { CommandId, DocumentName: call.DocumentName, InstanceIds: call.InstanceIds, Status: 'Pending' },
    });
  }

  private async invoke(
    key: string,
    instanceId: string,
    document: string,
    parameters: Record<string, string>,
  ): Promise<void> {
    this.invocations.set(key, { Status: 'InProgress', StandardOutputContent: '', ResponseCode: -1 });
    const { code, output } = await this.machine.runDocument(instanceId, document, parameters);
    this.invocations.set(key, {
      Status: code === 0 ? 'Success' : 'Failed',
      StandardOutputContent: output,
      ResponseCode: code,
    });
  }

  private getInvocation({ CommandId, InstanceId }: { CommandId: string; InstanceId: string }): Answer {
    const invocation = this.invocations.get(`${CommandId}/${InstanceId}`);
    if (!invocation) return ssmError('InvocationDoesNotExist', '');
    return json(200, { CommandId, InstanceId, StatusDetails: invocation.Status, ...invocation });
  }

  // ---- pass through

  private forward(incoming: IncomingMessage, body: string, method = incoming.method): Promise<Answer> {
    const { hostname, port } = this.emulator;
    const headers = {
      ...incoming.headers,
      'content-length': String(Buffer.byteLength(body)),
      host: this.emulator.host,
    };
    return new Promise((resolve, reject) => {
      const call = request({ hostname, port, path: incoming.url, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 502,
            headers: { 'content-type': String(response.headers['content-type'] ?? 'text/xml') },
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      call.once('error', reject);
      call.end(body);
    });
  }
}

const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value),
});

const ssmError = (type: string, message: string): Answer => json(400, { __type: type, message });

const alreadyAssociated = (allocationId: string, owner: string): Answer => ({
  status: 400,
  headers: { 'content-type': 'text/xml' },
  body:
    '<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>Resource.AlreadyAssociated</Code>' +
    `<Message>resource ${allocationId} is already associated with ${owner}</Message></Error></Errors><RequestID>${randomUUID()}</RequestID></Response>`,
});
