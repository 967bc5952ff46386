// Events of AWS in their documented shapes, read as triggers.

import { triggersOf } from '../../../adapters/aws/trigger-events';
import { agentEvent, alarmChange, health, rebalance, spotInterruption, stateChange } from '../../support/aws-events';

const kinds = (event: Parameters<typeof triggersOf>[0]) => triggersOf(event).map(({ kind }) => kind);

test.each([
  ['pending', []],
  ['running', []],
  ['stopping', ['instance-stopping']],
  ['shutting-down', ['instance-stopping']],
  ['stopped', ['instance-stopped']],
  ['terminated', ['instance-terminated']],
])('an instance that is %s', (state, expected) => {
  expect(kinds(stateChange('i-1', state))).toEqual(expected);
});

test('a spot interruption names the instance by its detail: its ARN has a form of its own', () => {
  expect(triggersOf(spotInterruption('i-1', 'stop'))).toEqual([
    expect.objectContaining({ kind: 'spot-interruption', instanceId: 'i-1', detail: 'i-1: stop' }),
  ]);
  expect(kinds(rebalance('i-1'))).toEqual(['spot-rebalance']);
});

test('a Health event is one trigger for each instance that it names, once, and for nothing else', () => {
  const retirement = health(
    ['i-1', 'i-2', 'i-1'],
    'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
    'scheduledChange',
  );
  expect(triggersOf(retirement).map(({ kind, instanceId, detail }) => [kind, instanceId, detail])).toEqual([
    ['scheduled-change', 'i-1', 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED, from Thu, 15 Jan 2026 13:19:03 GMT'],
    ['scheduled-change', 'i-2', 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED, from Thu, 15 Jan 2026 13:19:03 GMT'],
  ]);
  expect(kinds(health(['vol-1'], 'AWS_EC2_OPERATIONAL_ISSUE', 'issue'))).toEqual([]);
  expect(kinds(health(['i-1'], 'AWS_EC2_INSTANCE_STORE_DRIVE_PERFORMANCE_DEGRADED', 'issue'))).toEqual([
    'instance-issue',
  ]);
  expect(kinds(health(['i-1'], 'AWS_EC2_OPERATIONAL_NOTIFICATION', 'accountNotification'))).toEqual([]);
  expect(kinds(health(['i-1'], 'AWS_EC2_OPERATIONAL_ISSUE', 'issue', { statusCode: 'closed' }))).toEqual([]);
  expect(kinds(health(['i-1'], 'AWS_RDS_OPERATIONAL_ISSUE', 'issue', { service: 'RDS' }))).toEqual([]);
});

test('an alarm says by its name whom it concerns, and by its dimension which instance', () => {
  expect(triggersOf(alarmChange('mainstay/alpha/db1/system-check', { InstanceId: 'i-1' }))).toEqual([
    expect.objectContaining({ kind: 'system-check', cluster: 'alpha', instanceId: 'i-1' }),
  ]);
  expect(triggersOf(alarmChange('mainstay/alpha/no-main', { cluster: 'alpha' }))[0]).toMatchObject({
    kind: 'heartbeat-missing',
    cluster: 'alpha',
  });
  expect(kinds(alarmChange('mainstay/alpha/silent-nodes', { cluster: 'alpha' }))).toEqual(['told-to-people']);
  expect(kinds(alarmChange('mainstay/undelivered', {}))).toEqual(['told-to-people']);
});

test('an alarm that is over triggers nothing', () => {
  for (const state of ['OK', 'INSUFFICIENT_DATA'] as const)
    expect(triggersOf(alarmChange('mainstay/alpha/no-main', { cluster: 'alpha' }, { state }))).toEqual([]);
});

test("an agent's event carries what was watched", () => {
  expect(triggersOf(agentEvent('Lease Expired', 'alpha', { epoch: 3 }))[0]).toMatchObject({
    kind: 'lease-expired',
    cluster: 'alpha',
    observed: { epoch: 3, renewals: 7, silentMs: 4041, seenBy: 'db2', attempt: 0 },
  });
  expect(kinds(agentEvent('Engine Down', 'alpha'))).toEqual(['engine-down']);
});

test.each([
  ["another cluster's node", 'mainstay.beta'],
  ['no node', 'mainstay'],
  ['somebody whose name begins alike', 'mainstay.alpha2'],
])("an agent's event that comes from %s is refused, whatever it says", (_, source) => {
  for (const type of ['Lease Expired', 'Engine Down'] as const)
    expect(() => triggersOf({ ...agentEvent(type, 'alpha'), source })).toThrow(`comes from ${source}`);
});

test.each([
  ['an unknown type', { ...stateChange('i-1', 'stopped'), 'detail-type': 'Scheduled Nonsense' }, /nothing is known/],
  ['no instance', { ...stateChange('i-1', 'stopped'), detail: { state: 'stopped' } }, /instance-id/],
  [
    'half an observation',
    { ...agentEvent('Lease Expired', 'alpha'), detail: { cluster: 'alpha', epoch: 1 } },
    /renewals/,
  ],
  ['a name that is no cluster', agentEvent('Engine Down', 'alpha', { seenBy: 'db2', epoch: -1 }), /epoch/],
])('an event with %s is told, not guessed at', (_, event, saying) => {
  expect(() => triggersOf(event)).toThrow(saying);
});
