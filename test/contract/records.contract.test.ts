// Reports, Settings and Journal: memory, and DynamoDB as the emulator has it.

import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { createJournal } from '../../adapters/aws/journal';
import { createReports } from '../../adapters/aws/reports';
import { createSettings } from '../../adapters/aws/settings';
import type { Table } from '../../adapters/aws/table';
import { createWaits } from '../../adapters/aws/waits';
import { createMemoryStore, type MemoryStore } from '../../adapters/memory/store';
import { createSystemIds } from '../../adapters/system';
import { type Cloud, cloudStartMs, createTable, startCloud, tableClient } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { anEntry, aReport, value } from '../support/samples';
import { journalContract, reportsContract, settingsContract, waitsContract } from './suites/records';

const tableName = 'mainstay';

async function inMemory<Port>(pick: (store: MemoryStore) => Port, write: string, read: string) {
  const script = createFaultScript();
  const mine = createMemoryStore({ faults: script });
  return {
    port: pick(mine),
    other: pick(createMemoryStore({ table: mine.table })),
    script,
    plant: async (pk: string, sk: string, item: Record<string, unknown>) => mine.table.put(pk, sk, item),
    write,
    read,
  };
}

reportsContract('memory', () => inMemory(({ reports }) => reports, 'put', 'list'));
settingsContract('memory', () => inMemory(({ settings }) => settings, 'put', 'config'));
journalContract('memory', () => inMemory(({ journal }) => journal, 'append', 'list'));
waitsContract('memory', () => inMemory(({ waits }) => waits, 'add', 'read'));

describe('on the emulator', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
    await createTable(cloud.options, tableName);
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  async function inDynamo<Port>(build: (table: Table) => Port) {
    const script = createFaultScript();
    const other = tableClient(cloud.options, tableName);
    return {
      port: build(tableClient(cloud.options, tableName, script)),
      other: build(other),
      script,
      plant: async (pk: string, sk: string, item: Record<string, unknown>) => {
        await other.client.send(new PutCommand({ TableName: tableName, Item: { ...item, pk, sk } }));
      },
      write: 'PutItem',
      read: 'Query',
    };
  }

  const journalOf = (table: Table) => createJournal(table, createSystemIds());
  reportsContract('DynamoDB', () => inDynamo(createReports));
  settingsContract('DynamoDB', () => inDynamo(createSettings));
  journalContract('DynamoDB', () => inDynamo(journalOf));
  waitsContract('DynamoDB', () => inDynamo(createWaits));

  it('T4: every read asks DynamoDB for a consistent one', async () => {
    const script = createFaultScript();
    const table = tableClient(cloud.options, tableName, script);
    await createReports(table).list('any');
    await createSettings(table).clusters();
    await createSettings(table).config('any');
    await createSettings(table).policy('any');
    await journalOf(table).list('any', { operation: 'one', limit: 3 });
    await createWaits(table).read('any');
    expect(script.calls).toHaveLength(6);
    for (const { args } of script.calls) expect(args[0]).toMatchObject({ ConsistentRead: true });
  });

  it('T3: the SDK sends a lost entry again, and it stands there once', async () => {
    const script = createFaultScript();
    const journal = journalOf(tableClient({ ...cloud.options, maxAttempts: 3 }, tableName, script));
    script.next('PutItem', 'timeout-after');
    value(await journal.append(anEntry('sdk-retry')));
    expect(script.calls).toHaveLength(2);
    expect(value(await journal.list('sdk-retry'))).toEqual([anEntry('sdk-retry')]);
  });

  it('never overwrites even when its ids repeat: the second entry is Refused', async () => {
    const ids = { next: () => 'always-the-same' };
    const build = () => createJournal(tableClient(cloud.options, tableName), ids);
    value(await build().append(anEntry('same-ids', { because: 'the first' })));
    const outcome = await build().append(anEntry('same-ids', { because: 'the second' }));
    expect(outcome).toMatchObject({ ok: false, error: { code: 'Refused' } });
    expect(value(await build().list('same-ids')).map(({ because }) => because)).toEqual(['the first']);
  });

  it('reads on when an answer does not fit one page', async () => {
    const table = tableClient(cloud.options, tableName);
    // The emulator knows no 1 MB limit, so each page is made to hold two items; a filter applies after that, as on AWS.
    const twoAtATime = (next: (args: { input: object }) => unknown) => (args: { input: object }) =>
      next({ ...args, input: 'KeyConditionExpression' in args.input ? { ...args.input, Limit: 2 } : args.input });
    table.client.middlewareStack.add(twoAtATime as never, { step: 'initialize', name: 'twoAtATime' });
    const journal = journalOf(table);
    for (let n = 0; n < 9; n += 1)
      value(await journal.append(anEntry('long', { rule: `R${n}`, operation: n % 3 ? 'other' : 'mine' })));
    const rules = async (filter?: Parameters<typeof journal.list>[1]) =>
      value(await journal.list('long', filter)).map(({ rule }) => rule);
    expect(await rules()).toEqual(['R0', 'R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8']);
    expect(await rules({ limit: 5 })).toEqual(['R4', 'R5', 'R6', 'R7', 'R8']);
    expect(await rules({ operation: 'mine' })).toEqual(['R0', 'R3', 'R6']);
    expect(await rules({ operation: 'mine', limit: 1 })).toEqual(['R6']);
  });

  it('keeps reports of clusters apart whose names begin alike', async () => {
    const reports = createReports(tableClient(cloud.options, tableName));
    value(await reports.put(aReport('pay', 'db1')));
    value(await reports.put(aReport('payments', 'db1')));
    expect(value(await reports.list('pay'))).toHaveLength(1);
  });
});
