// The table of triggers, row by row, and that no row is dead. What each cause of failure comes to: docs/detection.md.

import type { Lease } from '../../../core/model';
import {
  alarmName,
  decideTrigger,
  executionName,
  readAlarmName,
  type Standing,
  standingOf,
  type Trigger,
  type TriggerKind,
  tooOldMs,
  triggerKinds,
  triggerRules,
} from '../../../core/triggers';
import { aLease } from '../../support/samples';

const trigger = (kind: TriggerKind, more: Partial<Trigger> = {}): Trigger => ({
  kind,
  event: { id: 'e-1', type: 'a type', time: '2026-01-01T00:00:30Z' },
  instanceId: 'i-db1',
  ...more,
});

type Phase = Lease['phase'];
const decided = (kind: TriggerKind, standing: Standing, phase: Phase | null = 'held', ageMs = 0) =>
  decideTrigger({ trigger: trigger(kind), standing, lease: phase === null ? null : aLease('alpha', { phase }), ageMs });

/** One case for each row; a row that is added needs one. */
const cases: [rule: string, kind: TriggerKind, standing: Standing, phase: Phase | null, act: string, ageMs?: number][] =
  [
    ['D10', 'instance-stopped', 'main', 'held', 'nothing', tooOldMs + 1],
    ['D20', 'lease-expired', 'no node', null, 'failover'],
    ['D20', 'engine-down', 'no node', null, 'failover'],
    ['D30', 'told-to-people', 'no node', 'held', 'nothing'],
    ['D40', 'heartbeat-missing', 'no node', null, 'nothing'],
    ['D40', 'instance-stopped', 'backup', 'vacant', 'nothing'],
    ['D50', 'instance-stopped', 'former', 'claimed', 'wake'],
    ['D50', 'instance-terminated', 'former', 'claimed', 'wake'],
    ['D60', 'instance-stopped', 'main', 'paused', 'page'],
    ['D70', 'heartbeat-missing', 'no node', 'paused', 'nothing'],
    ['D70', 'system-check', 'main', 'paused', 'nothing'],
    ['D70', 'instance-stopping', 'main', 'paused', 'nothing'],
    ['D70', 'spot-interruption', 'main', 'paused', 'nothing'],
    ['D80', 'instance-stopping', 'main', 'held', 'nothing'],
    ['D90', 'instance-stopping', 'backup', 'held', 'nothing'],
    ['D100', 'instance-stopped', 'main', 'held', 'failover'],
    ['D100', 'instance-terminated', 'main', 'granted', 'failover'],
    ['D100', 'instance-terminated', 'main', 'held', 'failover', tooOldMs + 1],
    ['D110', 'spot-interruption', 'main', 'held', 'switchover'],
    ['D120', 'spot-interruption', 'main', 'granted', 'nothing'],
    ['D130', 'spot-rebalance', 'main', 'held', 'page'],
    ['D140', 'system-check', 'main', 'held', 'failover'],
    ['D140', 'instance-check', 'main', 'held', 'failover'],
    ['D140', 'volume-check', 'main', 'held', 'failover'],
    ['D150', 'heartbeat-missing', 'no node', 'held', 'failover'],
    ['D150', 'heartbeat-missing', 'no node', 'claimed', 'failover'],
    ['D160', 'scheduled-change', 'main', 'held', 'page'],
    ['D160', 'scheduled-change', 'main', 'paused', 'page', tooOldMs + 1],
    ['D170', 'instance-issue', 'main', 'held', 'page'],
    ['D180', 'instance-stopped', 'shunned', 'held', 'nothing'],
    ['D180', 'system-check', 'former', 'claimed', 'nothing'],
    ['D190', 'scheduled-change', 'backup', 'held', 'page'],
    ['D200', 'instance-stopped', 'backup', 'held', 'page'],
    ['D200', 'spot-interruption', 'backup', 'claimed', 'page'],
    ['D210', 'volume-check', 'backup', 'held', 'page'],
    ['D210', 'spot-rebalance', 'backup', 'held', 'page'],
    ['D220', 'instance-stopped', 'no node', 'held', 'nothing'],
  ];

test.each(cases)('%s: %s, %s, lease %s: %s', (...[rule, kind, standing, phase, act, ageMs]) => {
  expect(decided(kind, standing, phase, ageMs)).toMatchObject({ rule, act });
});

test('every row has a case, ids grow by ten, and every page says what to do', () => {
  expect(triggerRules.map(({ id }) => id)).toEqual([...new Set(cases.map(([rule]) => rule))]);
  expect(triggerRules.map(({ id }) => Number(id.slice(1)))).toEqual(triggerRules.map((_, index) => 10 * (index + 1)));
  expect(triggerRules.filter(({ act, next }) => (act === 'page') !== (next !== undefined))).toEqual([]);
});

test('T60: nothing that happens to a node of a paused cluster starts an operation', () => {
  for (const kind of Object.keys(triggerKinds) as TriggerKind[])
    for (const standing of ['main', 'former', 'shunned', 'backup', 'no node'] as const)
      if (kind !== 'lease-expired' && kind !== 'engine-down')
        expect(['nothing', 'page', 'wake']).toContain(decided(kind, standing, 'paused').act);
});

test('nothing that happens to a node that is not the main moves the main role', () => {
  for (const kind of Object.keys(triggerKinds) as TriggerKind[])
    for (const standing of ['former', 'shunned', 'backup', 'no node'] as const)
      if (!['lease-expired', 'engine-down', 'heartbeat-missing'].includes(kind))
        for (const phase of ['held', 'granted', 'abdicated', 'claimed'] as const)
          expect(['failover', 'switchover']).not.toContain(decided(kind, standing, phase).act);
});

test('T11: an instance that is stopping starts nothing and proves nothing', () => {
  for (const standing of ['main', 'former', 'backup'] as const)
    expect(decided('instance-stopping', standing).act).toBe('nothing');
});

test('T67: an event that is more than ten minutes old starts nothing', () => {
  for (const kind of Object.keys(triggerKinds) as TriggerKind[])
    if (kind !== 'instance-terminated')
      expect(['nothing', 'page']).toContain(decided(kind, 'main', 'held', tooOldMs + 1).act);
});

test('how a node stands is what the lease says of it', () => {
  const shunned = { db3: { label: 'FAILED-OVER-TO-db1', epoch: 1 } };
  const held = aLease('alpha', { shunned });
  expect(['db1', 'db2', 'db3', null].map((node) => standingOf(held, node))).toEqual([
    'main',
    'backup',
    'shunned',
    'no node',
  ]);
  const claimed = aLease('alpha', {
    phase: 'claimed',
    holder: null,
    former: 'db1',
    shunned: { db1: { label: '', epoch: 2 } },
  });
  expect(standingOf(claimed, 'db1')).toBe('former');
  expect(standingOf(aLease('alpha', { former: 'db2' }), 'db2')).toBe('backup');
});

test('T49, T67: any number of triggers for one failure name one execution', () => {
  const observed = { epoch: 4, renewals: 99, silentMs: 4100, seenBy: 'db2', attempt: 0 };
  const named = (more: Partial<Trigger>) => executionName('failover', 'alpha', trigger('system-check', more), 4);
  expect(named({ observed })).toBe('alpha-failover-e4-r99-0');
  expect(named({ observed: { ...observed, seenBy: 'db3', silentMs: 9000 } })).toBe('alpha-failover-e4-r99-0');
  expect(named({})).toBe('alpha-failover-e4-m202601010000');
  expect(named({ event: { id: 'e-2', type: 'another', time: '2026-01-01T00:00:59Z' } })).toBe(named({}));
  expect(executionName('switchover', 'a'.repeat(31), trigger('spot-interruption'), 2 ** 31).length).toBeLessThanOrEqual(
    80,
  );
});

test('names of alarms say whom they concern', () => {
  expect(readAlarmName(alarmName('mainstay', 'no-main', 'alpha'))).toEqual({ cluster: 'alpha', what: 'no-main' });
  expect(readAlarmName(alarmName('mainstay', 'system-check', 'alpha', 'db1'))).toEqual({
    cluster: 'alpha',
    node: 'db1',
    what: 'system-check',
  });
  expect(readAlarmName(alarmName('mainstay', 'undelivered'))).toEqual({ what: 'undelivered' });
});
