// The table of transitions: who may what, and what never happens whatever the order.

import fc from 'fast-check';
import type { ChangeRequest } from '../../../core/clauses';
import { changed, type Transition, type TransitionName, transitions, vacantLease } from '../../../core/lease';
import { type FenceHow, type Lease, type Operation, phases } from '../../../core/model';
import { aLease } from '../../support/samples';

const operation: Operation = { id: 'op-1', kind: 'switchover', by: 'ann', since: '2026-01-01T00:00:00Z' };
const proof = (epoch: number, how: FenceHow = 'self-fence') => ({ node: 'db1', epoch, how, evidence: 'seen' });
const word = { by: 'ann', reason: 'both power cords are out', at: '2026-01-01T00:00:00Z' };
const names = Object.keys(transitions) as TransitionName[];

/** A lease on which this transition is allowed from this phase, and the request for it. */
function ready(name: TransitionName, phase: Lease['phase']): [Lease, ChangeRequest] {
  const agents: TransitionName[] = ['renew', 'accept', 'record', 'pause', 'resume', 'abdicate'];
  const free: TransitionName[] = ['seat', 'begin', 'askPause', 'resume', 'claim'];
  const lease = aLease('alpha', {
    phase,
    epoch: 7,
    renewals: 3,
    holder: phase === 'vacant' || phase === 'claimed' ? null : 'db1',
    operation: free.includes(name) ? null : operation,
    drain: name === 'transfer' ? 'transfer' : null,
    fence: name === 'grant' ? proof(7) : null,
    shunned: {},
    hold: name === 'unhold' ? { reason: 'seen', epoch: 7 } : null,
  });
  const node = agents.includes(name) ? 'db1' : 'db2';
  if (name === 'vouch') {
    const fenced = { ...lease, former: 'db1', operation: { ...operation, kind: 'failover' as const } };
    return [fenced, { node: 'db1', epoch: 7, word }];
  }
  return [lease, { node, epoch: 7, operation, watched: { epoch: 7, renewals: 3 }, proof: proof(7), ttlMs: 4000 }];
}

describe.each(names)('%s', (name) => {
  const row: Transition = transitions[name];
  test.each(phases)('from %s is allowed or refused as the table says', (phase) => {
    const [lease, request] = ready(name, phase);
    const frozen = Object.freeze(structuredClone(lease));
    const result = changed(frozen, name, request, 'n');
    expect(result.ok).toBe(row.from.includes(phase));
    if (!result.ok) {
      expect(result.error.message).toMatch(new RegExp(`^${name} refused: the lease is ${phase}`));
      return;
    }
    expect(result.value).toMatchObject({
      phase: row.to === 'same' ? phase : row.to,
      epoch: row.authority ? 8 : 7,
      version: lease.version + 1,
      nonce: 'n',
    });
  });
});

test.each([
  ['renew', { node: 'db2' }, 'the holder is db1'],
  ['renew', { epoch: 6 }, 'the epoch is 7'],
  ['claim', { watched: { epoch: 7, renewals: 2 } }, 'the lease moved on'],
  ['transfer', { operation: { ...operation, id: 'other' } }, 'operation op-1 is on the lease'],
  ['prove', { proof: proof(6) }, 'another epoch'],
] as [TransitionName, ChangeRequest, string][])('%s is refused with its reason: %j', (name, change, reason) => {
  const [lease, request] = ready(name, transitions[name].from[0] as Lease['phase']);
  const result = changed(name === 'renew' ? { ...lease, phase: 'held' } : lease, name, { ...request, ...change }, 'n');
  expect(result.ok ? 'allowed' : result.error.message).toContain(reason);
});

test.each([
  ['the epoch moved on', {}, { epoch: 6 }, 'the epoch is 7'],
  ['the node is not the former main', {}, { node: 'db2' }, 'the node to be proven stopped is db1'],
  ['nobody is fencing', { operation: null }, {}, 'no failover is under way'],
  ['it is proven already', { fence: proof(7) }, {}, 'db1 is already proven stopped by self-fence'],
] as [string, Partial<Lease>, ChangeRequest, string][])(
  'T54: a person’s word is refused when %s',
  (_, lease, change, reason) => {
    const [claimed, request] = ready('vouch', 'claimed');
    const result = changed({ ...claimed, ...lease }, 'vouch', { ...request, ...change }, 'n');
    expect(result.ok ? 'allowed' : result.error.message).toContain(reason);
  },
);

test('T54: a person’s word is kept with node, epoch and version, proves nothing by itself, and the next claim forgets it', () => {
  const [claimed, request] = ready('vouch', 'claimed');
  const vouched = changed(claimed, 'vouch', request, 'n');
  if (!vouched.ok) throw new Error(vouched.error.message);
  const { version } = vouched.value;
  expect(vouched.value).toMatchObject({ vouched: { ...word, node: 'db1', epoch: 7, version }, fence: null, epoch: 7 });
  const again = changed(
    vouched.value,
    'claim',
    { watched: { epoch: 7, renewals: 3 }, operation: vouched.value.operation ?? undefined },
    'n',
  );
  expect(again.ok && again.value).toMatchObject({ epoch: 8, vouched: null, former: 'db1' });
  const seated = changed(
    { ...vouched.value, operation: null },
    'seat',
    { node: 'db2', epoch: vouched.value.epoch },
    'n',
  );
  expect(seated.ok && seated.value.vouched).toBeNull();
});

test('a grant without a recorded fence proof is refused', () => {
  const [lease, request] = ready('grant', 'claimed');
  const result = changed({ ...lease, fence: null }, 'grant', request, 'n');
  expect(result.ok ? 'allowed' : result.error.message).toContain('no fence proof');
});

test('T50: an operation whose execution has ended may be taken over, a running one may not', () => {
  const [lease] = ready('begin', 'held');
  const busy = { ...lease, operation: { ...operation, id: 'old' } };
  expect(changed(busy, 'begin', { operation }, 'n').ok).toBe(false);
  expect(changed(busy, 'begin', { operation, abandoned: 'old' }, 'n').ok).toBe(true);
});

test('a failover waits for no operation but a drain and another failover’s claim: a silent main is lost', () => {
  const [held, request] = ready('claim', 'held');
  const during = (kind: Operation['kind'], change: Partial<Lease> = {}) =>
    changed({ ...held, ...change, operation: { ...operation, id: 'x', kind } }, 'claim', request, 'n').ok;
  expect([during('recover'), during('settle'), during('switchover'), during('failover')]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(during('switchover', { drain: 'transfer' })).toBe(false);
  expect(during('failover', { phase: 'claimed' })).toBe(false);
  expect(during('settle', { phase: 'claimed' })).toBe(true);
});

test('T41, T50: the claim itself shuns the former holder and sets the hold, and the grant labels where it went', () => {
  const [lease, request] = ready('claim', 'held');
  const claimed = changed(lease, 'claim', request, 'n');
  if (!claimed.ok) throw new Error(claimed.error.message);
  expect(claimed.value).toMatchObject({
    holder: null,
    former: 'db1',
    shunned: { db1: { label: 'FAILED-OVER', epoch: 8 } },
    hold: { epoch: 8 },
  });
  const granted = changed({ ...claimed.value, fence: proof(8) }, 'grant', { ...request, epoch: 8 }, 'n');
  expect(granted.ok && granted.value.shunned.db1?.label).toBe('FAILED-OVER-TO-db2');
});

test('a person may seat a shunned node, which is then free again', () => {
  const lease = aLease('alpha', {
    phase: 'claimed',
    holder: null,
    operation: null,
    shunned: { db2: { label: 'FAILED-OVER', epoch: 2 } },
    hold: { reason: 'x', epoch: 2 },
  });
  const seated = changed(lease, 'seat', { node: 'db2', epoch: lease.epoch }, 'n');
  expect(seated.ok && { holder: seated.value.holder, shunned: seated.value.shunned, hold: seated.value.hold }).toEqual({
    holder: 'db2',
    shunned: {},
    hold: null,
  });
});

test('L1, T51: whatever is asked in whatever order, the epoch never falls, a shunned node is never granted, a hold is lifted by a person only', () => {
  const nodes = ['db1', 'db2', 'db3'];
  const ask = fc.record({
    name: fc.constantFrom(...names),
    node: fc.constantFrom(...nodes),
    right: fc.boolean(),
    op: fc.constantFrom('op-1', 'op-2'),
  });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 60 }), (asks) => {
      let lease = vacantLease('alpha', 4000);
      for (const { name, node, right, op } of asks) {
        const epoch = right ? lease.epoch : lease.epoch - 1;
        const watched = { epoch, renewals: lease.renewals };
        const request = { node, epoch, watched, operation: { ...operation, id: op }, proof: proof(epoch) };
        const before = structuredClone(lease);
        const next = changed(lease, name, request, 'n');
        expect(lease).toEqual(before);
        if (!next.ok) continue;
        const { value } = next;
        expect(value.version).toBe(before.version + 1);
        expect(value.epoch).toBe(before.epoch + ((transitions[name] as Transition).authority ? 1 : 0));
        if (value.holder !== before.holder) expect(value.epoch > before.epoch || name === 'grant').toBe(true);
        if (value.phase === 'claimed') expect(value.holder).toBeNull();
        if (name === 'grant') expect(before.fence).not.toBeNull();
        if (value.holder !== null && ['granted', 'held'].includes(value.phase))
          expect(value.shunned[value.holder]).toBeUndefined();
        if (before.hold && !value.hold) expect(['release', 'seat']).toContain(name);
        lease = value;
      }
    }),
    { numRuns: 500 },
  );
});

test.each(['grant', 'pause', 'reopen'] as const)('L3, T1: %s starts the watched silence again', (name) => {
  const [lease, request] = ready(name, transitions[name].from[0] as Lease['phase']);
  const next = changed(lease, name, request, 'n');
  expect(next.ok && next.value.renewals).toBe(lease.renewals + 1);
});

test('T54: who says which node is right says it of one epoch: at a later one it is refused', () => {
  const claimed = aLease('alpha', { phase: 'claimed', holder: null, former: 'db1', epoch: 7 });
  const late = changed(claimed, 'seat', { node: 'db1', epoch: 6 }, 'n');
  expect(!late.ok && late.error.message).toBe('seat refused: the epoch is 7');
  expect(changed(claimed, 'seat', { node: 'db1', epoch: 7 }, 'n').ok).toBe(true);
});
