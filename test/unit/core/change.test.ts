// What a node answers that is asked to become MAIN or BACKUP: every phase of the lease, and the execution that follows.

import { type Asked, changeExecution, changeName, judgeChange } from '../../../core/change';
import { phases } from '../../../core/model';
import { aLease } from '../../support/samples';

const lease = aLease('alpha', { holder: 'db1', epoch: 7 });
const asked = (change: Partial<Asked> = {}): Asked => ({
  ...{ cluster: 'alpha', me: 'db2', change: 'MAIN', role: 'BACKUP', lease, silentMs: 0, waitMs: 4040 },
  ...change,
});
const onMain = { me: 'db1', change: 'BACKUP', role: 'MAIN' } as const;

test('a backup of a main that renews takes over by a switchover, without a lost write', () =>
  expect(judgeChange(asked())).toMatchObject({ how: 'begin', kind: 'switchover', to: 'db2' }));

test('T1: a main is taken for lost only after it was silent for as long as a contender must wait', () => {
  expect(judgeChange(asked({ silentMs: 4039 }))).toMatchObject({ kind: 'switchover' });
  expect(judgeChange(asked({ silentMs: 4040 }))).toMatchObject({ kind: 'failover', to: 'db2' });
});

test('the main hands over to whoever is best', () =>
  expect(judgeChange(asked(onMain))).toMatchObject({ how: 'begin', kind: 'switchover', to: null }));

test.each(phases)('in phase %s a backup that is asked to be BACKUP is so already', (phase) =>
  expect(judgeChange(asked({ change: 'BACKUP', lease: { ...lease, phase } })).how).toBe('already'),
);

test.each([
  ['vacant', { phase: 'vacant' as const, holder: null }, 'Vacant', 'mainstay start alpha --node db2'],
  ['paused', { phase: 'paused' as const, pausedBy: 'operator' as const }, 'NotServing', 'mainstay resume alpha'],
  ['claimed', { phase: 'claimed' as const, holder: null, former: 'db1' }, 'NotServing', '--yes'],
])('MAIN in phase %s is refused with the command that helps', (_, change, code, next) =>
  expect(judgeChange(asked({ lease: { ...lease, ...change } }))).toMatchObject({
    how: 'refused',
    problem: { code, next: expect.stringContaining(next) },
  }),
);

test('a lease that was given up is taken over by a failover at once', () =>
  expect(judgeChange(asked({ lease: { ...lease, phase: 'abdicated' } }))).toMatchObject({
    kind: 'failover',
    to: 'db2',
  }));

test('a node that is just becoming main is MAIN soon, and cannot be BACKUP before', () => {
  const granted = { ...lease, phase: 'granted' as const, holder: 'db2' };
  expect(judgeChange(asked({ lease: granted })).how).toBe('already');
  expect(judgeChange(asked({ lease: granted, change: 'BACKUP' }))).toMatchObject({
    how: 'refused',
    problem: { code: 'Busy' },
  });
});

test('a holder that does not serve is not made MAIN by asking it', () =>
  expect(judgeChange(asked({ me: 'db1' }))).toMatchObject({ problem: { code: 'NotServing' } }));

test('a node that has not read the lease yet says so', () =>
  expect(judgeChange(asked({ lease: null }))).toMatchObject({ problem: { code: 'Unreachable' } }));

const requested = {
  ...{ cluster: 'alpha', epoch: 7, node: 'db2', change: 'MAIN' as const, kind: 'switchover' as const, to: 'db2' },
  ...{ by: 'rest:db2 (192.0.2.7)', request: '0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d' },
};

test('T67: every delivery of one request has the same execution name, another request another one', () => {
  expect(changeName(requested)).toBe(changeName({ ...requested }));
  expect(changeName({ ...requested, request: '0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4e' })).not.toBe(changeName(requested));
  expect(changeName({ ...requested, cluster: `a${'b'.repeat(30)}`, epoch: 123_456_789 }).length).toBeLessThanOrEqual(
    80,
  );
});

test('the execution knows who asked, why, and for which node', () => {
  expect(changeExecution(requested)).toMatchObject({
    kind: 'switchover',
    input: {
      cluster: 'alpha',
      to: 'db2',
      by: 'rest:db2 (192.0.2.7)',
      reason: 'db2 was asked to become MAIN at epoch 7',
    },
  });
  expect(changeExecution({ ...requested, to: null }).input).not.toHaveProperty('to');
});
