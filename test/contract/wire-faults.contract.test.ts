// Every adapter to AWS against every fault of the wire: what the caller is told, what has happened, and what the SDK's own
// retry makes of it. T3: a missing answer is Unreachable, never Refused or Broken; what happened is recognised as one's own.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateStateMachineCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { type ClientOptions, createClient } from '../../adapters/aws/clients';
import { createEvents } from '../../adapters/aws/events';
import { createExecutions } from '../../adapters/aws/executions';
import { createJournal } from '../../adapters/aws/journal';
import { createLeaseStore } from '../../adapters/aws/lease-store';
import { createReports } from '../../adapters/aws/reports';
import { createSettings } from '../../adapters/aws/settings';
import type { Table } from '../../adapters/aws/table';
import { createVirtualClock } from '../../adapters/memory/clock';
import { createSystemIds } from '../../adapters/system';
import type { Result } from '../../core/result';
import { type Cloud, cloudStartMs, createTable, startCloud, tableClient } from '../support/cloud';
import { FaultyWire, type WireFault, wireFaults } from '../support/faulty-wire';
import { aConfig, aLease, aNode, anEntry, aPolicy, aReport, renewed, value } from '../support/samples';
import { anEvent } from './suites/events';

/** Long enough for a busy machine's emulator, and short enough to wait for. */
const silenceMs = 1500;
const tableName = 'mainstay';
const running = 'shop-1';

interface Subject {
  call: () => Promise<Result<unknown, { code: string }>>;
  /** What stands behind the endpoint now, seen without faults. */
  seen: (wire: FaultyWire) => Promise<unknown>;
}

interface Row {
  /** File in adapters/aws. */
  adapter: string;
  method: string;
  build: (options: ClientOptions, unique: string) => Promise<Subject>;
  before: unknown;
  after: unknown;
  /** What a second doing of the same looks like, where nothing can tell it from two; `after` elsewhere. */
  twice?: unknown;
  /** Asked again by the caller it is a new one. */
  anew?: true;
}

let cloud: Cloud;
const direct = (): Table => tableClient(cloud.options, tableName);
const journalOf = (table: Table) => createJournal(table, createSystemIds());
const machine = 'mainstay-failover';
const machineArn = `arn:aws:states:us-east-1:000000000000:stateMachine:${machine}`;

const rows: Row[] = [
  {
    adapter: 'lease-store',
    method: 'read',
    build: async (options, unique) => {
      value(await createLeaseStore(direct()).swap(null, aLease(unique)));
      const store = createLeaseStore(tableClient(options, tableName));
      return { call: () => store.read(unique), seen: async () => value(await store.read(unique))?.nonce };
    },
    before: 'first',
    after: 'first',
  },
  {
    adapter: 'lease-store',
    method: 'swap',
    build: async (options, unique) => {
      const lease = aLease(unique);
      value(await createLeaseStore(direct()).swap(null, lease));
      const store = createLeaseStore(tableClient(options, tableName));
      const seen = async () => {
        const { nonce, version } = value(await createLeaseStore(direct()).read(unique)) ?? {};
        return `${nonce} ${version}`;
      };
      return { call: () => store.swap(lease, renewed(lease, 'second')), seen };
    },
    before: 'first 1',
    after: 'second 2',
  },
  {
    adapter: 'reports',
    method: 'put',
    build: async (options, unique) => {
      const reports = createReports(tableClient(options, tableName));
      const seen = async () =>
        value(await createReports(direct()).list(unique)).map(({ node, seq }) => `${node} ${seq}`);
      return { call: () => reports.put(aReport(unique, 'db1', { seq: 4 })), seen };
    },
    before: [],
    after: ['db1 4'],
  },
  {
    adapter: 'reports',
    method: 'list',
    build: async (options, unique) => {
      value(await createReports(direct()).put(aReport(unique, 'db1')));
      const reports = createReports(tableClient(options, tableName));
      return { call: () => reports.list(unique), seen: async () => value(await reports.list(unique)).length };
    },
    before: 1,
    after: 1,
  },
  {
    adapter: 'journal',
    method: 'append',
    build: async (options, unique) => {
      const journal = journalOf(tableClient(options, tableName));
      const seen = async () => value(await journalOf(direct()).list(unique)).length;
      return { call: () => journal.append(anEntry(unique)), seen };
    },
    before: 0,
    after: 1,
    anew: true,
  },
  {
    adapter: 'journal',
    method: 'list',
    build: async (options, unique) => {
      value(await journalOf(direct()).append(anEntry(unique)));
      const journal = journalOf(tableClient(options, tableName));
      return { call: () => journal.list(unique), seen: async () => value(await journal.list(unique)).length };
    },
    before: 1,
    after: 1,
  },
  {
    adapter: 'settings',
    method: 'putPolicy',
    build: async (options, unique) => {
      const settings = createSettings(tableClient(options, tableName));
      const seen = async () => value(await createSettings(direct()).policy(unique))?.mode ?? null;
      return { call: () => settings.putPolicy(unique, aPolicy({ mode: 'manual' })), seen };
    },
    before: null,
    after: 'manual',
  },
  {
    adapter: 'settings',
    method: 'swapPolicy',
    build: async (options, unique) => {
      const before = aPolicy({ mode: 'automatic' });
      value(await createSettings(direct()).putPolicy(unique, before));
      const settings = createSettings(tableClient(options, tableName));
      const seen = async () => value(await createSettings(direct()).policy(unique))?.mode ?? null;
      return { call: () => settings.swapPolicy(unique, before, aPolicy({ mode: 'manual' })), seen };
    },
    before: 'automatic',
    after: 'manual',
  },
  {
    adapter: 'settings',
    method: 'clusterOf',
    build: async (options, unique) => {
      const nodes = [aNode('db1', { instanceId: `i-of-${unique}` })];
      value(await createSettings(direct()).putConfig(aConfig(unique, { nodes })));
      const settings = createSettings(tableClient(options, tableName));
      const seen = async () => value(await settings.clusterOf(`i-of-${unique}`)) === unique;
      return { call: () => settings.clusterOf(`i-of-${unique}`), seen };
    },
    before: true,
    after: true,
  },
  {
    adapter: 'settings',
    method: 'putConfig',
    build: async (options, unique) => {
      const settings = createSettings(tableClient(options, tableName));
      const seen = async () => (value(await createSettings(direct()).config(unique)) ? 'written' : 'not written');
      return { call: () => settings.putConfig(aConfig(unique)), seen };
    },
    before: 'not written',
    after: 'written',
  },
  ...(['config', 'policy', 'clusters'] as const).map(
    (method): Row => ({
      adapter: 'settings',
      method,
      build: async (options, unique) => {
        const settings = createSettings(tableClient(options, tableName));
        return { call: () => settings[method](unique), seen: async () => 'read only' };
      },
      before: 'read only',
      after: 'read only',
    }),
  ),
  {
    adapter: 'events',
    method: 'publish',
    build: async (options, unique) => {
      const events = createEvents(createClient(EventBridgeClient, options), { busName: tableName });
      return {
        call: () => events.publish(anEvent({ cluster: unique })),
        seen: async ({ passed }) => passed.filter((action) => action === 'PutEvents').length,
      };
    },
    before: 0,
    after: 1,
    twice: 2,
  },
  {
    adapter: 'executions',
    method: 'running',
    build: async (options) => {
      const clock = createVirtualClock();
      const sfn = createClient(SFNClient, options);
      const executions = createExecutions(sfn, { stateMachineArns: [machineArn], clock, confirmAfterMs: 1 });
      return { call: () => executions.running(running), seen: async () => value(await executions.running(running)) };
    },
    before: true,
    after: true,
  },
];

beforeAll(async () => {
  cloud = await startCloud();
  await createTable(cloud.options, tableName);
  await createClient(EventBridgeClient, cloud.options).send(new CreateEventBusCommand({ Name: tableName }));
  const definition = JSON.stringify({ StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 3600, End: true } } });
  const sfn = createClient(SFNClient, cloud.options);
  await sfn.send(
    new CreateStateMachineCommand({ name: machine, definition, roleArn: 'arn:aws:iam::000000000000:role/any' }),
  );
  await sfn.send(new StartExecutionCommand({ stateMachineArn: machineArn, name: running }));
}, cloudStartMs);
afterAll(() => cloud?.stop());

interface Trial {
  told: string;
  stands: unknown;
  again: string;
  standsThen: unknown;
}

let trials = 0;

/** One call that meets the fault, and the same call once more without. */
async function meet(row: Row, fault: WireFault, maxAttempts: number): Promise<Trial> {
  trials += 1;
  const unique = `wire-${trials}`;
  const wire = await FaultyWire.listen(cloud.options.endpoint ?? '');
  const requestTimeoutMs = /time-out/.test(fault.name) ? silenceMs : 10_000;
  const options = { ...cloud.options, endpoint: wire.endpoint, requestTimeoutMs, maxAttempts };
  try {
    const { call, seen } = await row.build(options, unique);
    wire.next(fault);
    const told = await call();
    const stands = await seen(wire);
    const again = await call();
    const word = (result: typeof told) => (result.ok ? 'ok' : result.error.code);
    return { told: word(told), stands, again: word(again), standsThen: await seen(wire) };
  } finally {
    wire.close();
  }
}

const faultNames = wireFaults.map(({ name }) => name);

describe.each(rows.map((row): [string, Row] => [`${row.adapter}: ${row.method}`, row]))('%s', (_, row) => {
  const twice = row.twice ?? row.after;
  const trial = new Map<string, { fault: WireFault; once: Trial; retried: Trial }>();
  // All at once: most of their time is waited for silence to end.
  beforeAll(async () => {
    const trials = wireFaults.map(async (fault) => {
      const [once, retried] = await Promise.all([meet(row, fault, 1), meet(row, fault, 3)]);
      trial.set(fault.name, { fault, once, retried });
    });
    await Promise.all(trials);
  });
  const of = (name: string) => {
    const found = trial.get(name);
    if (!found) throw new Error(`${name} was not tried`);
    return found;
  };

  it.each(faultNames)(
    'T3: %s is Unreachable to a single attempt, and what it has done is recognised when it is asked again',
    (name) => {
      const { fault, once } = of(name);
      const { told, stands, again, standsThen } = once;
      expect({ told, stands, again }).toEqual({
        told: 'Unreachable',
        stands: fault.happens ? row.after : row.before,
        again: 'ok',
      });
      if (!row.anew) expect(standsThen).toEqual(fault.happens ? twice : row.after);
    },
  );

  it.each(faultNames)(
    'T13: %s is mended by the attempts that the SDK makes, and the caller hears of success',
    (name) => {
      const { fault, retried } = of(name);
      expect(retried).toMatchObject({ told: 'ok', stands: fault.happens ? twice : row.after });
    },
  );
});

describe('the inventory of adapters/aws', () => {
  const folder = join(__dirname, '../../adapters/aws');
  /**
   * They call nothing: the client, the judgement, the keys, events that were received; or put others together, which are struck
   * themselves: a VIP by its kind, and a command by the poker's suite.
   */
  const support = ['clients', 'outside', 'table', 'trigger-events', 'vips', 'record-vips', 'run-command'];
  const files = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
  const suites = readdirSync(__dirname).flatMap((file) =>
    file.endsWith('.test.ts') && !__filename.endsWith(file) ? [readFileSync(join(__dirname, file), 'utf8')] : [],
  );
  /** Its own contract test puts a script of faults between the SDK and the endpoint. */
  const hasOwnSuite = (adapter: string): boolean =>
    suites.some(
      (text) => text.includes(`adapters/aws/${adapter}'`) && /injectFaults\(|tableClient\(.*script/.test(text),
    );

  it('every adapter is struck by faults: here, or in a contract test of its own', () => {
    const bare = files.filter(
      (file) => !support.includes(file) && !rows.some(({ adapter }) => adapter === file) && !hasOwnSuite(file),
    );
    expect(bare).toEqual([]);
  });

  it('every row names an adapter, and every method of such an adapter has its row', () => {
    expect(rows.map(({ adapter }) => adapter).filter((adapter) => !files.includes(adapter))).toEqual([]);
    const table = { client: null as never, name: tableName };
    const ports: Record<string, object> = {
      'lease-store': createLeaseStore(table),
      reports: createReports(table),
      journal: journalOf(table),
      settings: createSettings(table),
      events: createEvents(null as never),
      executions: createExecutions(null as never, {
        stateMachineArns: [machineArn],
        clock: createVirtualClock(),
        confirmAfterMs: 1,
      }),
    };
    const struck = (adapter: string) => rows.filter((row) => row.adapter === adapter).map(({ method }) => method);
    for (const [adapter, port] of Object.entries(ports))
      expect([adapter, ...struck(adapter).sort()]).toEqual([adapter, ...Object.keys(port).sort()]);
  });
});
