// The AWS emulator for one test file, on a free port and in a folder that goes away with it. Never leaves a process behind.

import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type ClientOptions, createClient, createDocumentClient } from '../../adapters/aws/clients';
import type { Table } from '../../adapters/aws/table';
import type { Faults } from '../../adapters/memory/faults';
import { type Emulator, ensureEmulatorInstalled, startEmulator } from '../../local/emulator';
import { injectFaults } from './faults-middleware';

/** Installing the emulator happens once per machine and may take a minute; starting it takes about a second. */
export const cloudStartMs = 180_000;

export interface Cloud {
  options: ClientOptions;
  stop(): Promise<void>;
}

export const testOptions = (endpoint: string): ClientOptions => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  requestTimeoutMs: 5000,
  // One attempt: a fault reaches the adapter. Tests of the SDK's own retries ask for more.
  maxAttempts: 1,
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Between finding a free port and listening on it another test file may have taken it. */
async function startOnFreePort(dir: string, attempts = 3): Promise<Emulator> {
  try {
    return await startEmulator({ port: await freePort(), dir });
  } catch (error) {
    if (attempts <= 1) throw error;
    return startOnFreePort(dir, attempts - 1);
  }
}

export async function startCloud(): Promise<Cloud> {
  await ensureEmulatorInstalled();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mainstay-cloud-'));
  const emulator = await startOnFreePort(dir);
  return {
    options: testOptions(emulator.endpoint),
    stop: async () => {
      await emulator.stop();
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A client of its own to the table, as another process would have. */
export function tableClient(options: ClientOptions, name: string, faults?: Faults): Table {
  const client = createClient(DynamoDBClient, options);
  if (faults) injectFaults(client, faults);
  return { client: createDocumentClient(client), name };
}

export async function createTable(options: ClientOptions, name: string): Promise<void> {
  await createClient(DynamoDBClient, options).send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  );
}
