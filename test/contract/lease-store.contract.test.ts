// LeaseStore: memory, and DynamoDB as the emulator has it (conditional writes with ALL_OLD are real there).

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { createClient, createDocumentClient } from '../../adapters/aws/clients';
import { createLeaseStore } from '../../adapters/aws/lease-store';
import { createMemoryStore } from '../../adapters/memory/store';
import { type Cloud, cloudStartMs, createTable, startCloud, tableClient } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { aLease, problem, renewed, value } from '../support/samples';
import { leaseStoreContract } from './suites/lease-store';

const tableName = 'mainstay';

leaseStoreContract('memory', async () => {
  const script = createFaultScript();
  const mine = createMemoryStore({ faults: script });
  return {
    store: mine.leases,
    other: createMemoryStore({ table: mine.table }).leases,
    script,
    plant: async (cluster, item) => mine.table.put(`CLUSTER#${cluster}`, 'LEASE', item),
    write: 'swap',
    read: 'read',
  };
});

describe('on the emulator', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
    await createTable(cloud.options, tableName);
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  leaseStoreContract('DynamoDB', async () => {
    const script = createFaultScript();
    const other = tableClient(cloud.options, tableName);
    return {
      store: createLeaseStore(tableClient(cloud.options, tableName, script)),
      other: createLeaseStore(other),
      script,
      plant: async (cluster, item) => {
        const Item = { ...item, pk: `CLUSTER#${cluster}`, sk: 'LEASE' };
        await other.client.send(new PutCommand({ TableName: tableName, Item }));
      },
      write: 'PutItem',
      read: 'GetItem',
    };
  });

  it('T3, L4: a lost reply that the SDK itself sends again is resolved within one call', async () => {
    const script = createFaultScript();
    const client = createClient(DynamoDBClient, { ...cloud.options, maxAttempts: 3 });
    injectFaults(client, script);
    const store = createLeaseStore({ client: createDocumentClient(client), name: tableName });
    const first = aLease('sdk-retry');
    script.next('PutItem', 'timeout-after');
    expect(value(await store.swap(null, first))).toEqual(first);
    script.next('PutItem', 'timeout-after');
    expect(value(await store.swap(first, renewed(first, 'second')))).toMatchObject({ nonce: 'second' });
    expect(script.calls.map(({ method }) => method)).toEqual(Array(4).fill('PutItemCommand'));
  });

  it('T4: every read asks DynamoDB for a consistent one', async () => {
    const script = createFaultScript();
    await createLeaseStore(tableClient(cloud.options, tableName, script)).read('any');
    expect(script.calls.map(({ args }) => args[0])).toEqual([expect.objectContaining({ ConsistentRead: true })]);
  });

  it('L1: a lease item has no attribute that DynamoDB or anybody else could let expire', async () => {
    const script = createFaultScript();
    const lease = aLease('no-ttl');
    value(await createLeaseStore(tableClient(cloud.options, tableName, script)).swap(null, lease));
    const input = script.calls[0]?.args[0] as { Item: Record<string, unknown> } | undefined;
    expect(Object.keys(input?.Item ?? {}).sort()).toEqual([...Object.keys(lease), 'pk', 'sk'].sort());
  });

  it('an endpoint that is not there is Unreachable after the SDK gave up', async () => {
    const nobody = tableClient({ ...cloud.options, endpoint: 'http://127.0.0.1:9', maxAttempts: 2 }, tableName);
    expect(problem(await createLeaseStore(nobody).read('c1')).code).toBe('Unreachable');
  });

  it('a table that is not there is Broken: no retry makes one', async () => {
    const store = createLeaseStore(tableClient(cloud.options, 'no-such-table'));
    expect(problem(await store.read('c1'))).toMatchObject({ code: 'Broken', details: { action: 'dynamodb:GetItem' } });
    expect(problem(await store.swap(null, aLease('c1')))).toMatchObject({ code: 'Broken' });
  });
});
