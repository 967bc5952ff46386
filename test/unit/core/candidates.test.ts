// Who may become main, and why not: each refusal has its sentence.

import { best, evaluate, type Question } from '../../../core/candidates';
import type { Report } from '../../../core/model';
import { aConfig, aLease, aReport } from '../../support/samples';

const at = (
  node: string,
  bytes: number,
  change: Partial<Report> = {},
  engine: Partial<Report['engine']> = {},
): Report => {
  const report = aReport('alpha', node, { state: 'backup', seen: { epoch: 1, version: 9 }, ...change });
  const position = { timeline: 1, bytes };
  return {
    ...report,
    engine: {
      ...report.engine,
      running: true,
      writable: false,
      streaming: true,
      dataId: 'd',
      received: position,
      applied: position,
      problem: null,
      ...engine,
    },
  };
};

const ask = (reports: Report[], change: Partial<Question> = {}) =>
  evaluate({
    config: { ...aConfig('alpha'), maxLagBytes: 1000 },
    lease: aLease('alpha', { holder: 'db1', phase: 'held', version: 9, shunned: {} }),
    reports: [at('db1', 5000, { state: 'main' }), ...reports],
    freshSince: 9,
    mustStream: true,
    ...change,
  });

const verdict = (evaluations: ReturnType<typeof ask>, node: string) =>
  evaluations.find((evaluation) => evaluation.node === node);

test('the most advanced is chosen, with its lag told', () => {
  const evaluations = ask([at('db2', 4900), at('db3', 4990)]);
  expect(best(aConfig('alpha'), evaluations)).toMatchObject({ node: 'db3', lagBytes: 10, eligible: true });
  expect(verdict(evaluations, 'db1')).toMatchObject({ eligible: false, because: 'it is the main' });
});

test('among equals the preferred is chosen, then the first by name', () => {
  const evaluations = ask([at('db2', 5000), at('db3', 5000)]);
  expect(best(aConfig('alpha'), evaluations)?.node).toBe('db2');
  const config = aConfig('alpha');
  const preferring = {
    ...config,
    nodes: config.nodes.map((node) => (node.name === 'db3' ? { ...node, priority: 200 } : node)),
  };
  expect(best(preferring, evaluations)?.node).toBe('db3');
});

test.each([
  ['T27: a node further behind than the limit', [at('db2', 3999)], {}, '1001 bytes behind (limit 1000)'],
  [
    'T32: a node that has not shown for long what it has received',
    [at('db2', 5000, {}, { replayLagMs: 61_000 })],
    {},
    'it has not shown all that it has for 61 s (limit 60 s)',
  ],
  [
    'T36: a node whose stream is broken',
    [at('db2', 5000, {}, { streaming: false })],
    {},
    'its stream from the main is broken',
  ],
  [
    'T40: a node with another data set under an old name',
    [at('db2', 5000, {}, { dataId: 'other' })],
    {},
    'another one than the cluster has',
  ],
  [
    'T53: a node that has not reported since the operation began',
    [at('db2', 5000, { seen: { epoch: 1, version: 8 } })],
    {},
    'no report since',
  ],
  [
    'a node whose engine is down',
    [at('db2', 5000, {}, { running: false, problem: 'no disk' })],
    {},
    'its engine is not running (no disk)',
  ],
  [
    'a node that cannot tell its position',
    [at('db2', 5000, {}, { received: null })],
    {},
    'it cannot tell its position',
  ],
  ['a node that is no backup', [at('db2', 5000, { state: 'rejoining' })], {}, 'it is rejoining, not a backup'],
  ['a node that never reported', [], {}, 'it has never reported'],
  [
    'a shunned node',
    [at('db2', 5000)],
    {
      lease: aLease('alpha', {
        holder: 'db1',
        phase: 'held',
        version: 9,
        shunned: { db2: { label: 'FAILED-OVER-TO-db1', epoch: 1 } },
      }),
    },
    'it is shunned (FAILED-OVER-TO-db1)',
  ],
] as [string, Report[], Partial<Question>, string][])('%s is no candidate', (_, reports, change, because) => {
  const found = verdict(ask(reports, change), 'db2');
  expect(found?.eligible).toBe(false);
  expect(found?.because).toContain(because);
});

test('a node of priority 0 is never promoted', () => {
  const config = aConfig('alpha');
  const never = { ...config, nodes: config.nodes.map((node) => ({ ...node, priority: 0 })) };
  expect(verdict(ask([at('db2', 5000)], { config: never }), 'db2')?.because).toContain('priority is 0');
});

test('a failover does not ask for a stream from a main that is gone, and nobody eligible means nobody', () => {
  expect(verdict(ask([at('db2', 5000, {}, { streaming: false })], { mustStream: false }), 'db2')?.eligible).toBe(true);
  expect(best(aConfig('alpha'), ask([]))).toBeNull();
});

test('T40: a foreign node spoils nobody else, also when the main is gone', () => {
  const reports = [at('db2', 999_999, {}, { dataId: 'other' }), at('db3', 4990)];
  expect(best(aConfig('alpha'), ask(reports))?.node).toBe('db3');
  const claimed = aLease('alpha', { holder: null, former: 'db1', phase: 'claimed', version: 9, shunned: {} });
  expect(best(aConfig('alpha'), ask(reports, { lease: claimed, mustStream: false }))?.node).toBe('db3');
});

test('T53: a backup that has begun to follow this main a moment ago is told apart from one that has left its history', () => {
  const lineage = [{ timeline: 1, fromBytes: 0, epoch: 1 }];
  const lease = aLease('alpha', { holder: 'db1', phase: 'held', epoch: 1, version: 9, shunned: {}, lineage });
  const fresh = at('db2', 5000, { followed: null }, { following: 'db1' });
  expect(verdict(ask([fresh], { lease }), 'db2')?.because).toContain('ask again');
  const gone = at('db2', 5000, { followed: null }, { following: 'db1', streaming: false });
  expect(verdict(ask([gone], { lease }), 'db2')?.because).toContain('its history left');
});

test('T53: a backup whose stream has not come to the timeline of a seated main yet is asked again, not recovered', () => {
  const lineage = [{ timeline: 2, fromBytes: 4000, epoch: 1 }];
  const lease = aLease('alpha', { holder: 'db1', phase: 'held', epoch: 1, version: 9, shunned: {}, lineage });
  const onTheOld = (streaming: boolean) => at('db2', 4000, { followed: 1 }, { following: 'db1', streaming });
  expect(verdict(ask([onTheOld(true)], { lease }), 'db2')?.because).toContain('ask again');
  expect(verdict(ask([onTheOld(false)], { lease }), 'db2')?.because).toContain('its history left');
  const beyond = at('db2', 5000, { followed: 1 }, { following: 'db1', received: { timeline: 3, bytes: 5000 } });
  expect(verdict(ask([beyond], { lease }), 'db2')?.because).toContain('its history left');
});

describe('in sync and strict mode', () => {
  const failover = (reports: Report[], synced: string[]) =>
    ask(reports, {
      config: { ...aConfig('alpha'), maxLagBytes: 1000, replication: { mode: 'sync', backups: 1 } },
      lease: aLease('alpha', { holder: null, former: 'db1', phase: 'claimed', version: 9, shunned: {}, synced }),
      mustStream: false,
    });

  test('T30: a backup that is not recorded and has less than the recorded one may not take over', () => {
    const evaluations = failover([at('db2', 4900), at('db3', 4800)], ['db2']);
    expect(verdict(evaluations, 'db2')?.eligible).toBe(true);
    expect(verdict(evaluations, 'db3')).toMatchObject({
      eligible: false,
      because: 'acknowledged writes could be lost: it has less than the recorded backups (db2)',
    });
  });

  test('T39: one that has as much or more may, and is preferred: the recorded one would have left its history', () => {
    const evaluations = failover([at('db2', 4900), at('db3', 4950)], ['db2']);
    expect(best(aConfig('alpha'), evaluations)?.node).toBe('db3');
  });

  test('T30: with nobody recorded, or none of the recorded heard, nobody may', () => {
    expect(failover([at('db2', 5000), at('db3', 5000)], []).some(({ eligible }) => eligible)).toBe(false);
    const old = at('db2', 4000, { seen: { epoch: 1, version: 8 } });
    expect(failover([old, at('db3', 5000)], ['db2']).some(({ eligible }) => eligible)).toBe(false);
  });
});
