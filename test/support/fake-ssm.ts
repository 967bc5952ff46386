// SSM Run Command over HTTP, as AWS documents it. The emulator (ministack 1.4.21) cannot send commands, so the Poker's
// contract runs against this: unknown instances refuse the whole command, an invocation appears only after a while
// (T58), and each command has an outcome of its own (T55). Must never accept what AWS would refuse.

import * as http from 'node:http';
import type * as net from 'node:net';

export interface SentCommand {
  id: string;
  document: string;
  instanceIds: string[];
  parameters: Record<string, string[]>;
  deliveryS: number;
}

export interface Invocation {
  status: 'Pending' | 'InProgress' | 'Delayed' | 'Success' | 'Failed' | 'TimedOut' | 'Cancelled' | 'Cancelling';
  /** As AWS spells it; by default the status. */
  statusDetails?: string;
  output?: string;
}

export interface FakeSsm {
  endpoint: string;
  sent: SentCommand[];
  /** Instances whose SSM agent is not there: AWS knows no such id. */
  missing: Set<string>;
  /** What the next calls are answered with instead, one each: status and error code. */
  failures: [number, string][];
  /** Documents whose parameters are checked, by name; any other takes what it is given. */
  documents: Record<string, { parameters: Record<string, { allowedPattern: string }> }>;
  /** How many looks find no invocation yet (T58). */
  hiddenLooks: number;
  /** What the looks at a command find, one after the other; the last one stays. By default: Success. */
  invocations: (command: SentCommand, instanceId: string) => Invocation[];
  stop(): Promise<void>;
}

type Body = Record<string, unknown>;

class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export async function startFakeSsm(): Promise<FakeSsm> {
  const looks = new Map<string, number>();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => answer(String(request.headers['x-amz-target']), JSON.parse(String(Buffer.concat(chunks)))));
    const answer = (target: string, body: Body) => {
      const failure = fake.failures.shift();
      const [status, content] = failure
        ? [failure[0], { __type: failure[1], message: 'as the test wants it' }]
        : judged(() => actions[target.replace('AmazonSSM.', '')]?.(body) ?? unknown(target));
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(content));
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeSsm = {
    endpoint: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    sent: [],
    missing: new Set(),
    failures: [],
    documents: {},
    hiddenLooks: 0,
    invocations: () => [{ status: 'Success' }],
    stop: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
  const actions: Record<string, (body: Body) => Body> = {
    SendCommand: (body) => sendCommand(fake, body),
    GetCommandInvocation: (body) => getCommandInvocation(fake, looks, body),
  };
  return fake;
}

function judged(run: () => Body): [number, Body] {
  try {
    return [200, run()];
  } catch (error) {
    if (error instanceof Refusal) return [400, { __type: error.code, message: error.message }];
    throw error;
  }
}

const unknown = (target: string): never => {
  throw new Refusal('UnknownOperationException', target);
};

function sendCommand(fake: FakeSsm, body: Body): Body {
  const instanceIds = (body.InstanceIds ?? []) as string[];
  const deliveryS = Number(body.TimeoutSeconds ?? 3600);
  if (instanceIds.length === 0) throw new Refusal('ValidationException', 'no targets');
  if (instanceIds.length > 50) throw new Refusal('ValidationException', 'no more than 50 instance ids');
  if (deliveryS < 30) throw new Refusal('ValidationException', 'TimeoutSeconds must be 30 or more');
  const id = instanceIds.find((each) => fake.missing.has(each));
  if (id) throw new Refusal('InvalidInstanceId', `Instances [[${id}]] not in a valid state for account 000000000000`);
  const command = {
    id: `command-${fake.sent.length + 1}`,
    document: String(body.DocumentName),
    instanceIds,
    parameters: (body.Parameters ?? {}) as Record<string, string[]>,
    deliveryS,
  };
  checkParameters(fake, command);
  fake.sent.push(command);
  return { Command: { CommandId: command.id, Status: 'Pending', InstanceIds: instanceIds } };
}

/** Every parameter without a default is needed, none that the document does not name is taken, each fits its pattern. */
function checkParameters({ documents }: FakeSsm, { document, parameters }: SentCommand): void {
  const known = documents[document]?.parameters;
  if (!known) return;
  const wrong = [...new Set([...Object.keys(known), ...Object.keys(parameters)])].filter(
    (name) => !known[name] || !new RegExp(known[name].allowedPattern).test(parameters[name]?.[0] ?? ''),
  );
  if (wrong.length > 0) throw new Refusal('InvalidParameters', `parameters of ${document}: ${wrong.join(', ')}`);
}

function getCommandInvocation(fake: FakeSsm, looks: Map<string, number>, body: Body): Body {
  const command = fake.sent.find(({ id }) => id === body.CommandId);
  const instanceId = String(body.InstanceId);
  const look = looks.get(`${body.CommandId} ${instanceId}`) ?? 0;
  looks.set(`${body.CommandId} ${instanceId}`, look + 1);
  if (!command?.instanceIds.includes(instanceId) || look < fake.hiddenLooks)
    throw new Refusal('InvocationDoesNotExist', 'the command ID and instance ID do not match any invocation');
  const found = fake.invocations(command, instanceId);
  const {
    status,
    statusDetails = status,
    output = '',
  } = found[Math.min(look - fake.hiddenLooks, found.length - 1)] ?? { status: 'Pending' };
  return {
    CommandId: command.id,
    InstanceId: instanceId,
    DocumentName: command.document,
    Status: status,
    StatusDetails: statusDetails,
    ResponseCode: status === 'Failed' ? 1 : status === 'Success' ? 0 : -1,
    StandardOutputContent: output,
    StandardErrorContent: '',
  };
}
