// What failing a backup that commits wait for leads to: another one is recorded in its place where one is able to, and where none is a strict
// cluster could not write. db2 is on record and has more than db3.

import type { NodeConfig, Report } from '../../../core/model';
import { type FailingPlan, failingPlan } from '../../../desk/failing';
import type { PlanSources } from '../../../desk/plan';
import { aConfig, aLease, aNode, aReport } from '../../support/samples';

const now = '2026-01-01T00:01:00.000Z';
const { engine } = aReport('alpha', 'db3');
const behind = { ...engine, received: { timeline: 1, bytes: 1000 } };

interface Third {
  node?: Partial<NodeConfig>;
  report?: Partial<Report>;
  lease?: Partial<PlanSources['lease']>;
}

function withoutDb2(
  mode: 'async' | 'sync' | 'strict',
  { node = {}, report = {}, lease = {} }: Third = {},
): FailingPlan {
  const nodes = [aNode('db1'), aNode('db2'), aNode('db3', node)];
  const sources: PlanSources = {
    config: aConfig('alpha', { nodes, maxLagBytes: 10_000, replication: { mode, backups: 1 } }),
    lease: aLease('alpha', { synced: mode === 'async' ? [] : ['db2'], ...lease }),
    reports: [
      aReport('alpha', 'db1', { at: now, state: 'main', engine: { ...engine, following: null, streaming: false } }),
      aReport('alpha', 'db2', { at: now }),
      aReport('alpha', 'db3', { at: now, engine: behind, ...report }),
    ],
    ...{ policy: null, entries: [], now },
  };
  return failingPlan(sources, 'db2');
}

test.each(['sync', 'strict'] as const)('S40, S10: %s: nobody could take over until db3 is on record', (mode) => {
  expect(withoutDb2(mode).atRisk).toBe('nobody could take over from db1 until db3 is recorded in its place');
});

test('async: nobody is recorded in the place of anybody', () => {
  expect(withoutDb2('async').atRisk).toBe('nobody could take over from db1 until db2 is back');
});

test('one that is barred is waited for, and promised to nobody', () => {
  const barred = { db3: { by: 'bob', reason: 'old disk', at: '' } };
  expect(withoutDb2('strict', { lease: { barred } }).atRisk).toBe('nobody could take over from db1 until db2 is back');
});

test.each<[string, Third]>([
  ['has no stream', { report: { engine: { ...behind, streaming: false } } }],
  ['does not run', { report: { engine: { ...behind, running: false } } }],
  ['has fallen silent', { report: { at: '2026-01-01T00:00:00.000Z' } }],
  ['is never promoted', { node: { priority: 0 } }],
  ['is kept out', { lease: { shunned: { db3: { label: 'FAILED-TO-PROMOTE', epoch: 1 } } } }],
])('where db3 %s nobody takes the place of db2: strict refuses, sync says until when', (_, third) => {
  expect(() => withoutDb2('strict', third)).toThrow(/there would be none without db2: nobody could write/);
  expect(withoutDb2('sync', third).atRisk).toBe('nobody could take over from db1 until db2 is back');
});
