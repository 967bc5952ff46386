// How errors of the SDK become Unreachable, Refused or Broken, and that a client gives up in time.

import * as http from 'node:http';
import type * as net from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { createClient } from '../../adapters/aws/clients';
import { asked, outsideProblem } from '../../adapters/aws/outside';
import { withFaults } from '../../adapters/memory/faults';
import { ok } from '../../core/result';
import { testOptions } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { problem } from '../support/samples';

const sdkError = (name: string, httpStatusCode?: number, more: object = {}) =>
  Object.assign(new Error('words'), { name, $metadata: httpStatusCode ? { httpStatusCode } : {}, ...more });

describe('an error of the SDK', () => {
  it.each([
    ['a time-out', sdkError('TimeoutError')],
    ['a reset connection', sdkError('Error', undefined, { code: 'ECONNRESET' })],
    ['a name that does not resolve for now', sdkError('Error', undefined, { code: 'EAI_AGAIN' })],
    ['a server fault', sdkError('InternalServerError', 500)],
    ['a gateway fault of any name', sdkError('Whatever', 503)],
    ['T13: throttling by EC2', sdkError('RequestLimitExceeded', 503)],
    ['T13: throttling by DynamoDB', sdkError('ProvisionedThroughputExceededException', 400)],
    ['T13: throttling by SSM', sdkError('ThrottlingException', 400)],
    ['T7: a signature that a stepped wall clock spoilt', sdkError('InvalidSignatureException', 403)],
    ['credentials that ran out', sdkError('ExpiredTokenException', 403)],
    ['an instance role that does not answer', sdkError('CredentialsProviderError')],
    ['whatever the SDK sent and got no status for', sdkError('Error', undefined, { $metadata: { attempts: 3 } })],
  ])('T3: %s is Unreachable: it may have happened', (_, error) => {
    expect(outsideProblem(error, 'ec2:StopInstances').code).toBe('Unreachable');
  });

  it.each(['AccessDeniedException', 'UnauthorizedOperation', 'AccessDenied', 'AuthFailure'])(
    'a missing permission (%s) is Broken, and `next` names the action',
    (name) => {
      const seen = outsideProblem(sdkError(name, 403), 'ec2:StopInstances');
      expect(seen.code).toBe('Broken');
      expect(seen.next).toContain('ec2:StopInstances');
    },
  );

  it('is Refused only when the caller named it as a refusal', () => {
    const error = sdkError('Resource.AlreadyAssociated', 400);
    expect(outsideProblem(error, 'ec2:AssociateAddress', ['Resource.AlreadyAssociated']).code).toBe('Refused');
    expect(outsideProblem(error, 'ec2:AssociateAddress').code).toBe('Broken');
  });

  it.each([
    ['a malformed request', sdkError('ValidationException', 400)],
    ['a value that cannot be stored', new Error('Special numeric value NaN is not allowed')],
    ['something thrown that is no error', 'words'],
  ])('%s is Broken', (_, error) => {
    expect(outsideProblem(error, 'dynamodb:PutItem').code).toBe('Broken');
  });

  it('keeps its cause and the request id for whoever has to ask AWS', () => {
    const error = sdkError('ValidationException', 400, { $metadata: { httpStatusCode: 400, requestId: 'R-1' } });
    const seen = outsideProblem(error, 'dynamodb:PutItem');
    expect(seen).toMatchObject({
      cause: error,
      details: { action: 'dynamodb:PutItem', requestId: 'R-1', httpStatus: 400 },
    });
  });
});

/** Never silent, so a bound on silence alone would wait for ever. */
function keepBusy(response: http.ServerResponse): void {
  const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.writeProcessing()), 30);
}

describe('T13: a client', () => {
  let server: http.Server;
  let requests = 0;
  let sockets = new Set<net.Socket>();
  let answer: (response: http.ServerResponse) => void;
  beforeEach(async () => {
    requests = 0;
    sockets = new Set();
    server = http.createServer((request, response) => {
      requests += 1;
      sockets.add(request.socket);
      request.resume().on('end', () => answer(response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

  const get = (maxAttempts: number) => {
    const endpoint = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const client = createClient(DynamoDBClient, { ...testOptions(endpoint), requestTimeoutMs: 150, maxAttempts });
    const command = new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } });
    return () => asked('dynamodb:GetItem', () => client.send(command));
  };

  it.each([
    ['never answers', () => undefined],
    [
      'stops in the middle of its answer',
      (response: http.ServerResponse) => void response.writeHead(200, { 'content-length': '100' }).write('{'),
    ],
    ['keeps saying that it is at work', (response: http.ServerResponse) => keepBusy(response)],
  ])('gives up in time on a server that %s', async (_, behaviour) => {
    answer = behaviour;
    const before = performance.now();
    expect(problem(await get(1)()).code).toBe('Unreachable');
    expect(performance.now() - before).toBeLessThan(1000);
    expect(requests).toBe(1);
  });

  it('asks as often as it was told when the server fails', async () => {
    answer = (response) => void response.writeHead(500).end('{}');
    expect(problem(await get(3)()).code).toBe('Unreachable');
    expect(requests).toBe(3);
  });

  it('keeps its connection for the next call', async () => {
    answer = (response) => void response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
    const call = get(1);
    for (let turn = 0; turn < 5; turn += 1) expect((await call()).ok).toBe(true);
    expect([requests, sockets.size]).toEqual([5, 1]);
  });

  it('an answer that is no answer of AWS is a problem, not an exception', async () => {
    answer = (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>captive portal');
    expect((await get(1)()).ok).toBe(false);
  });
});

describe('memory faults', () => {
  it.each([
    ['timeout-before', 0],
    ['throttle', 0],
    ['timeout-after', 1],
  ] as const)('T68: %s lets the call happen %i times and gives no answer', async (fault, times) => {
    const script = createFaultScript();
    let happened = 0;
    const work = async () => {
      happened += 1;
      return ok(happened);
    };
    const port = withFaults('Port', { work }, script);
    script.next('work', fault);
    expect(await port.work()).toMatchObject({ ok: false, error: { code: 'Unreachable' } });
    expect(happened).toBe(times);
    expect(await port.work()).toEqual(ok(times + 1));
  });

  it('a hook may take its time before and behind the call', async () => {
    const order: string[] = [];
    const note = (word: string) => async () => {
      await Promise.resolve();
      order.push(word);
      return null;
    };
    const faults = { before: note('before'), after: note('after') };
    await withFaults('Port', { work: async () => ok(order.push('work')) }, faults).work();
    expect(order).toEqual(['before', 'work', 'after']);
  });
});
