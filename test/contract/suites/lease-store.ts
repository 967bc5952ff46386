// What every LeaseStore must do, whatever stands behind it.

import { changed, vacantLease } from '../../../core/lease';
import type { LeaseLost, LeaseStore } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { aLease, problem, renewed, value } from '../../support/samples';

export interface LeaseStoreSubject {
  store: LeaseStore;
  /** Another process's way to the same data. */
  other: LeaseStore;
  /** Strikes `store` only. */
  script: FaultScript;
  /** Lays an item in place of the lease, whatever it says. */
  plant(cluster: string, item: Record<string, unknown>): Promise<void>;
  /** Method of a write and of a read, as the fault script sees them. */
  write: string;
  read: string;
}

export function leaseStoreContract(name: string, make: () => Promise<LeaseStoreSubject>): void {
  let clusters = 0;
  const aCluster = () => {
    clusters += 1;
    return `${name.replace(/\W/g, '-')}-${clusters}`;
  };

  describe(`LeaseStore: ${name}`, () => {
    it('has nothing to read before the first write', async () => {
      const { store } = await make();
      expect(value(await store.read(aCluster()))).toBeNull();
    });

    it('T4: a read after a write sees it, from another process too', async () => {
      const { store, other } = await make();
      const first = aLease(aCluster());
      value(await store.swap(null, first));
      for (let turn = 0, lease = first; turn < 5; turn += 1) {
        const next = renewed(lease, `turn-${turn}`);
        value(await store.swap(lease, next));
        expect(value(await other.read(first.cluster))).toEqual(next);
        lease = next;
      }
    });

    it('gives back every attribute as it was written', async () => {
      const { store } = await make();
      const lease = aLease(aCluster(), {
        operation: {
          id: 'failover-7',
          kind: 'failover',
          by: 'trigger',
          since: '2026-01-01T00:00:00.000Z',
          probeEpoch: 3,
        },
        fence: { node: 'db1', epoch: 1, how: 'power-off', evidence: 'stopped' },
        shunned: { db1: { label: 'FAILED-OVER-TO-db2', epoch: 2 } },
        hold: { reason: 'db1 lost the main role unexpectedly', epoch: 2 },
        drain: 'transfer',
      });
      value(await store.swap(null, lease));
      expect(value(await store.read(lease.cluster))).toEqual(lease);
    });

    it('T65: keeps attributes of a newer version that it does not know', async () => {
      const { store } = await make();
      const newer = { ...aLease(aCluster()), weather: 'fair' };
      value(await store.swap(null, newer));
      expect(value(await store.read(newer.cluster))).toEqual(newer);
    });

    it('lets only one of two be the first, and tells the other who it was', async () => {
      const { store, other } = await make();
      const cluster = aCluster();
      const [mine, theirs] = [aLease(cluster, { nonce: 'mine' }), aLease(cluster, { nonce: 'theirs', holder: 'db2' })];
      const outcomes = await Promise.all([store.swap(null, mine), other.swap(null, theirs)]);
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
      const stored = value(await store.read(cluster));
      expect(lost(outcomes.find(({ ok }) => !ok)).details.winner).toEqual(stored);
    });

    it('lets exactly one of many contenders win each round, and every loser learns the winner', async () => {
      const { store, other } = await make();
      const cluster = aCluster();
      let lease = aLease(cluster);
      value(await store.swap(null, lease));
      for (let round = 0; round < 5; round += 1) {
        const contenders = [store, other, store, other, store, other].map((each, index) =>
          each.swap(lease, renewed(lease, `round-${round}-${index}`, { holder: `db${index}` })),
        );
        const outcomes = await Promise.all(contenders);
        const winners = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
        expect(winners).toHaveLength(1);
        for (const outcome of outcomes.filter(({ ok }) => !ok))
          expect(lost(outcome).details.winner).toEqual(winners[0]);
        lease = winners[0] ?? lease;
      }
      expect(value(await store.read(cluster))).toEqual(lease);
    });

    it('refuses a write from a stale version and changes nothing', async () => {
      const { store } = await make();
      const first = aLease(aCluster());
      const second = renewed(first, 'second');
      value(await store.swap(null, first));
      value(await store.swap(first, second));
      const refusal = lost(await store.swap(first, renewed(first, 'late', { holder: 'db3' })));
      expect(refusal).toMatchObject({ code: 'Refused', details: { winner: second } });
      expect(refusal.next).toBeTruthy();
      expect(value(await store.read(first.cluster))).toEqual(second);
    });

    it('refuses to change a lease that does not exist: winner null', async () => {
      const { store } = await make();
      const lease = aLease(aCluster());
      expect(lost(await store.swap(lease, renewed(lease, 'next'))).details.winner).toBeNull();
      expect(value(await store.read(lease.cluster))).toBeNull();
    });

    it('T3, L4: after a lost reply the same write sent again is its own success', async () => {
      const { store, script, write } = await make();
      const first = aLease(aCluster());
      const second = renewed(first, 'second');
      value(await store.swap(null, first));
      script.next(write, 'timeout-after');
      expect(problem(await store.swap(first, second)).code).toBe('Unreachable');
      expect(value(await store.swap(first, second))).toEqual(second);
      expect(value(await store.read(first.cluster))).toEqual(second);
    });

    it('T3, L4: the very first write, too, is recognised after a lost reply', async () => {
      const { store, script, write } = await make();
      const first = aLease(aCluster());
      script.next(write, 'timeout-after');
      expect(problem(await store.swap(null, first)).code).toBe('Unreachable');
      expect(value(await store.swap(null, first))).toEqual(first);
    });

    it('T3: a lost reply is no success any more once somebody has written after it', async () => {
      const { store, other, script, write } = await make();
      const first = aLease(aCluster());
      const [second, third] = [renewed(first, 'second'), renewed(renewed(first, 'second'), 'third')];
      value(await store.swap(null, first));
      script.next(write, 'timeout-after');
      await store.swap(first, second);
      value(await other.swap(second, third));
      expect(lost(await store.swap(first, second)).details.winner).toEqual(third);
    });

    it('L4: an empty nonce tells nobody apart: two first writers do not both succeed', async () => {
      const { store, other } = await make();
      const vacant = vacantLease(aCluster(), 4000);
      value(await store.swap(null, vacant));
      expect(lost(await other.swap(null, vacant)).details.winner).toEqual(vacant);
    });

    it('a request that never arrived is Unreachable, changes nothing and can be sent again', async () => {
      const { store, other, script, write } = await make();
      const first = aLease(aCluster());
      value(await store.swap(null, first));
      script.next(write, 'timeout-before');
      expect(problem(await store.swap(first, renewed(first, 'second'))).code).toBe('Unreachable');
      expect(value(await other.read(first.cluster))).toEqual(first);
      value(await store.swap(first, renewed(first, 'second')));
    });

    it('T13: a throttled write or read is Unreachable, never Refused', async () => {
      const { store, script, write, read } = await make();
      const first = aLease(aCluster());
      script.next(write, 'throttle');
      expect(problem(await store.swap(null, first)).code).toBe('Unreachable');
      script.next(read, 'throttle');
      expect(problem(await store.read(first.cluster)).code).toBe('Unreachable');
    });

    it('a read without an answer is Unreachable, never "there is no lease"', async () => {
      const { store, script, read } = await make();
      script.next(read, 'timeout-before');
      expect(problem(await store.read(aCluster())).code).toBe('Unreachable');
      script.next(read, 'timeout-after');
      expect(problem(await store.read(aCluster())).code).toBe('Unreachable');
    });

    it('L1: a release keeps the epoch, and the next holder gets a higher one', async () => {
      const { store } = await make();
      const held = aLease(aCluster(), { epoch: 7 });
      value(await store.swap(null, held));
      const operation = { id: 'failover-1', kind: 'failover', by: 'ann', since: '2026-01-01T00:00:00.000Z' } as const;
      const claim = changed(held, 'claim', { operation, watched: { epoch: 7, renewals: 0 } }, 'claim-1');
      const claimed = value(await store.swap(held, value(claim)));
      expect(value(await store.read(held.cluster))).toMatchObject({ holder: null, epoch: 8 });
      expect(lost(await store.swap(held, renewed(held, 'late'))).details.winner).toEqual(claimed);
    });

    it.each([
      ['an epoch that falls', { epoch: 6 }],
      ['a version that stays', { version: 1 }],
      ['another cluster', { cluster: 'elsewhere' }],
    ])('L1: %s is a bug of the caller and never written', async (_, change) => {
      const { store } = await make();
      const held = aLease(aCluster(), { epoch: 7 });
      value(await store.swap(null, held));
      await expect(store.swap(held, renewed(held, 'next', change))).rejects.toThrow();
      expect(value(await store.read(held.cluster))).toEqual(held);
    });

    it('an item that does not parse is Broken and says which attributes', async () => {
      const { store, plant } = await make();
      const lease = aLease(aCluster());
      await plant(lease.cluster, { ...lease, epoch: 'seven', phase: 'asleep' });
      const seen = problem(await store.read(lease.cluster));
      expect(seen.code).toBe('Broken');
      expect(seen.message).toContain('epoch');
      expect(seen.message).toContain('phase');
    });

    it('a winner that does not parse is Broken, not Refused', async () => {
      const { store, plant } = await make();
      const lease = aLease(aCluster());
      await plant(lease.cluster, { ...lease, version: 9, epoch: null });
      expect(problem(await store.swap(lease, renewed(lease, 'next'))).code).toBe('Broken');
    });

    it('a lease that names another cluster is Broken, read or met by a write: what follows from it would be written there', async () => {
      const { store, plant } = await make();
      const [mine, another] = [aLease(aCluster()), aLease(aCluster())];
      await plant(mine.cluster, { ...another, version: 9 });
      const seen = problem(await store.read(mine.cluster));
      expect(seen.code).toBe('Broken');
      expect(seen.message).toContain(another.cluster);
      expect(problem(await store.swap(mine, renewed(mine, 'next'))).code).toBe('Broken');
    });

    it('keeps clusters apart', async () => {
      const { store } = await make();
      const [one, two] = [aLease(aCluster()), aLease(aCluster(), { holder: 'db2' })];
      value(await store.swap(null, one));
      value(await store.swap(null, two));
      expect(value(await store.read(one.cluster))).toEqual(one);
      expect(value(await store.read(two.cluster))).toEqual(two);
    });
  });
}

function lost(outcome: Awaited<ReturnType<LeaseStore['swap']>> | undefined): LeaseLost {
  if (!outcome) throw new Error('nobody lost');
  const refusal = problem(outcome);
  expect(refusal.code).toBe('Refused');
  return refusal as LeaseLost;
}
