// What comes of a trigger: which cluster and node it finds, what it starts, and what is written down. And that whoever starts a failover
// without having watched the lease has it watched first.

import { type AwsEvent, triggersOf } from '../../../adapters/aws/trigger-events';
import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { unreachable } from '../../../adapters/problems';
import type { Lease } from '../../../core/model';
import { fail, ok } from '../../../core/result';
import { contenderWaitMs, defaultTimings } from '../../../core/timings';
import { type Acts, dispatch } from '../../../workflows/dispatch';
import { runStep } from '../../../workflows/run-step';
import type { WorkflowState } from '../../../workflows/state';
import type { Ports } from '../../../workflows/step';
import * as aws from '../../support/aws-events';
import { aConfig, aLease, aPolicy, aReport, problem, renewed, value } from '../../support/samples';

const nameOf = (node: string) => `mainstay/alpha/${node}`;

/** A cluster of three nodes whose main is db1; executions are started as Step Functions does. */
async function world(change: Partial<Lease> = {}) {
  const clock = createVirtualClock();
  const { leases, settings, journal, reports, waits, table } = createMemoryStore();
  const events = createMemoryEvents();
  const config = aConfig('alpha');
  const ports: Ports = {
    ...{ leases, settings, journal, reports, waits, events, clock, ids: createSequentialIds() },
    tasks: createMemoryTasks({ clock }),
    executions: createMemoryExecutions(),
    poker: createMemoryPoker(),
    power: createMemoryPower({ clock, instanceIds: [] }),
    vip: createMemoryVip(createMemoryAddresses({ allocationIds: ['eipalloc-alpha'] }), clock, leases),
  };
  await settings.putConfig(config);
  await leases.swap(null, aLease('alpha', change));
  for (const { name } of config.nodes) await reports.put(aReport('alpha', name));
  const started = new Map<string, WorkflowState>();
  const woken: string[] = [];
  const acts: Acts = {
    start: async (_, name, input) => {
      if (started.has(name)) return ok(false);
      started.set(name, input);
      return ok(true);
    },
    wake: async (cluster, node, instanceId) => ok(woken.push(`${cluster} ${node} ${instanceId}`) > 0),
  };
  const send = async (event: AwsEvent) => {
    const all = [];
    for (const trigger of triggersOf(event)) all.push(value(await dispatch(ports, trigger, acts)));
    return all;
  };
  const told = async () => value(await journal.list('alpha')).map(({ rule, because }) => `${rule} ${because}`);
  return { ports, config, clock, table, acts, started, woken, send, told, events };
}

test("an agent's event is dispatched with what was watched, and without a look at the table", async () => {
  const { ports, acts, started } = await world();
  const unasked = new Proxy(
    {},
    {
      get: (_, name) => () => {
        throw new Error(`the fast road asked: ${String(name)}`);
      },
    },
  );
  const blind = { ...ports, settings: unasked, leases: unasked, journal: unasked, events: unasked } as Ports;
  const [trigger] = triggersOf(aws.agentEvent('Lease Expired', 'alpha'));
  expect(value(await dispatch(blind, trigger as never, acts))).toMatchObject({
    execution: 'alpha-failover-e1-r7-0',
    started: true,
  });
  expect([...started.values()]).toEqual([
    {
      cluster: 'alpha',
      by: 'automatic',
      reason: 'Lease Expired',
      watched: { epoch: 1, renewals: 7, silentMs: 4041, seenBy: 'db2' },
    },
  ]);
});

/** Everything that starts a failover without having watched. */
const unwatched: [string, AwsEvent][] = [
  ['the main instance stopped', aws.stateChange('i-db1', 'stopped')],
  ['the main instance terminated', aws.stateChange('i-db1', 'terminated')],
  ['no renewal for minutes', aws.alarmChange('mainstay/alpha/no-main', { cluster: 'alpha' })],
  ['system status check', aws.alarmChange(`${nameOf('db1')}/system-check`, { InstanceId: 'i-db1' })],
  ['instance status check', aws.alarmChange(`${nameOf('db1')}/instance-check`, { InstanceId: 'i-db1' })],
  ['attached EBS status check', aws.alarmChange(`${nameOf('db1')}/volume-check`, { InstanceId: 'i-db1' })],
];

describe.each(unwatched)('%s', (_, event) => {
  test('T9: starts a failover that has watched nothing, and whose first step observes, waits, and observes again', async () => {
    const { send, started, ports, clock } = await world({ renewals: 7 });
    await send(event);
    const [[name, input] = ['', {}]] = started;
    expect(input).not.toHaveProperty('watched');
    const waitMs = contenderWaitMs(defaultTimings);
    const verified = runStep(ports, { step: 'verify', state: input, operation: name, deadlineMs: 30_000 });
    expect(value(await clock.until(verified))).toMatchObject({
      watched: { epoch: 1, renewals: 7, silentMs: waitMs, seenBy: 'control-plane' },
    });
    expect(clock.nowMs()).toBeGreaterThanOrEqual(waitMs);
  });

  test('T9: leaves a main alone that renews meanwhile', async () => {
    const { send, started, ports, clock } = await world({ renewals: 7 });
    await send(event);
    const [[name, input] = ['', {}]] = started;
    const verified = runStep(ports, { step: 'verify', state: input, operation: name, deadlineMs: 30_000 });
    await clock.advance(1000);
    const lease = value(await ports.leases.read('alpha')) as Lease;
    await ports.leases.swap(lease, renewed(lease, 'alive'));
    expect(problem(await clock.until(verified))).toMatchObject({ code: 'NotSilent' });
  });

  test('T60: starts nothing when the cluster was stopped cleanly', async () => {
    const { send, started } = await world({ phase: 'paused', pausedBy: 'stop' });
    await send(event);
    expect(started.size).toBe(0);
  });

  test('T67: twice, late within the minute or after the failover, is one execution', async () => {
    const { send, started, ports } = await world();
    expect(await send(event)).toMatchObject([{ started: true }]);
    expect(await send(event)).toMatchObject([{ started: false }]);
    const lease = value(await ports.leases.read('alpha')) as Lease;
    // The main has renewed: that makes no new name.
    await ports.leases.swap(lease, renewed(lease, 'alive'));
    expect(await send({ ...event, id: 'e-3', time: '2026-01-01T00:00:59Z' })).toMatchObject([{ started: false }]);
    expect(started.size).toBe(1);
  });

  test('T67: starts nothing when it comes more than ten minutes late', async () => {
    const { send, started, clock, told } = await world();
    await clock.advance(11 * 60_000);
    if (event['detail-type'] === 'EC2 Instance State-change Notification') return expectTerminatedToCount(event, send);
    await send(event);
    expect(started.size).toBe(0);
    expect(await told()).toEqual([expect.stringMatching(/^D10 .*ten minutes old.*nothing is done/)]);
  });
});

/** A terminated instance stays terminated. */
async function expectTerminatedToCount(event: AwsEvent, send: (event: AwsEvent) => Promise<object[]>) {
  const terminated = (event.detail as { state: string }).state === 'terminated';
  expect(await send(event)).toMatchObject([{ act: terminated ? 'failover' : 'nothing' }]);
}

test('a spot interruption of the main moves the role before, and the journal says so', async () => {
  const { send, started, told } = await world();
  await send(aws.spotInterruption('i-db1'));
  expect([...started]).toEqual([
    [
      'alpha-switchover-e1-m202601010000',
      { cluster: 'alpha', by: 'automatic', reason: expect.stringContaining('two minutes') },
    ],
  ]);
  expect(await told()).toEqual([expect.stringMatching(/^D110 .*switchover alpha-switchover-e1-m202601010000 started/)]);
});

test.each(['manual', 'maintenance'] as const)(
  'a switchover that a trigger has started is refused under the policy %s, one that a person has started is not',
  async (mode) => {
    const { ports } = await world();
    await ports.settings.putPolicy('alpha', aPolicy({ mode }));
    const preflight = (by: string) =>
      runStep(ports, { step: 'preflight', state: { cluster: 'alpha', by }, operation: 'x', deadlineMs: 1000 });
    expect(problem(await preflight('automatic'))).toMatchObject({
      code: 'Policy',
      message: expect.stringContaining('would have moved the main role of alpha'),
    });
    expect((await preflight('operator:ann')).ok).toBe(true);
  },
);

test('a maintenance that is over forbids nothing (T62)', async () => {
  const { ports } = await world();
  await ports.settings.putPolicy('alpha', aPolicy({ mode: 'maintenance', until: '2025-12-31T00:00:00.000Z' }));
  const state = { cluster: 'alpha', by: 'automatic' };
  expect((await runStep(ports, { step: 'preflight', state, operation: 'x', deadlineMs: 1000 })).ok).toBe(true);
});

test('an instance that a failover waits for wakes it when it is off', async () => {
  const { send, woken, started } = await world({ phase: 'claimed', holder: null, former: 'db1', epoch: 2 });
  await send(aws.stateChange('i-db1', 'stopping'));
  expect(woken).toEqual([]);
  await send(aws.stateChange('i-db1', 'stopped'));
  expect(woken).toEqual(['alpha db1 i-db1']);
  expect(started.size).toBe(0);
});

test.each([
  ['a lost backup', aws.stateChange('i-db2', 'terminated'), 'D200', /one candidate fewer/],
  ["a backup's interruption", aws.spotInterruption('i-db2'), 'D200', /one candidate fewer/],
  [
    'a retirement of the main',
    aws.health(['i-db1'], 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED', 'scheduledChange'),
    'D160',
    /RETIREMENT_SCHEDULED, from Thu, 15 Jan/,
  ],
  [
    'an issue of the main',
    aws.health(['i-db1'], 'AWS_EC2_INSTANCE_STORE_DRIVE_PERFORMANCE_DEGRADED', 'issue'),
    'D170',
    /AWS tells of an issue/,
  ],
  ['a risk for the main', aws.rebalance('i-db1'), 'D130', /may soon take/],
])('%s is told to a person with what to do, and starts nothing', async (_, event, rule, saying) => {
  const { send, started, events, told } = await world();
  await send(event);
  expect(started.size).toBe(0);
  expect(events.published).toEqual([
    {
      type: 'Attention Needed',
      cluster: 'alpha',
      detail: expect.objectContaining({
        because: expect.stringMatching(saying),
        next: expect.stringMatching(/mainstay (switch|status) alpha$/),
      }),
    },
  ]);
  expect(await told()).toEqual([expect.stringMatching(new RegExp(`^${rule} .*a person is told`))]);
});

test('an instance that nobody configured is read about once, and nothing is written', async () => {
  const { send, told, ports } = await world();
  const asked: string[] = [];
  const { settings, leases } = ports;
  const clusterOf = async (id: string) => {
    asked.push(id);
    return settings.clusterOf(id);
  };
  ports.settings = { ...settings, clusterOf };
  ports.leases = { ...leases, read: async () => fail(unreachable('nobody should ask', 'see why')) };
  expect(await send(aws.stateChange('i-stranger', 'stopped'))).toMatchObject([{ cluster: null, act: 'nothing' }]);
  expect(asked).toEqual(['i-stranger']);
  expect(await told()).toEqual([]);
});

test('a node that was taken out of its cluster is nobody: the index is a hint, the configuration is the truth', async () => {
  const { send, started, ports, config } = await world();
  await ports.settings.putConfig({ ...config, nodes: config.nodes.filter(({ name }) => name !== 'db1') });
  expect(value(await ports.settings.clusterOf('i-db1'))).toBe('alpha');
  expect(await send(aws.stateChange('i-db1', 'terminated'))).toMatchObject([{ cluster: null, act: 'nothing' }]);
  expect(started.size).toBe(0);
});

test('a decision to do nothing is written down with its reason', async () => {
  const { send, told } = await world({ phase: 'paused', pausedBy: 'operator' });
  await send(aws.alarmChange('mainstay/alpha/no-main', { cluster: 'alpha' }));
  expect(await told()).toEqual([expect.stringMatching(/^D70 the service is paused.*nothing is done/)]);
});

test('a store that does not answer is a problem, so that the event is tried again', async () => {
  const { ports, acts } = await world();
  ports.leases = { ...ports.leases, read: async () => fail(unreachable('throttled', 'try again')) };
  const [trigger] = triggersOf(aws.stateChange('i-db1', 'stopped'));
  expect(problem(await dispatch(ports, trigger as never, acts))).toMatchObject({ code: 'Unreachable' });
});
