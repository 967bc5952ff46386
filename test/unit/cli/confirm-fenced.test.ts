// mainstay confirm-fenced, and start while a failover sleeps: who is refused, what is written first, who is woken.

import { unreachable } from '../../../adapters/problems';
import type { Lease } from '../../../core/model';
import { fail } from '../../../core/result';
import { aConfig, value } from '../../support/samples';
import { type Bench, createBench, healthy, leaseOf, setLease } from './support';

const operation = {
  id: 'alpha-failover-1',
  kind: 'failover' as const,
  by: 'automatic',
  since: '2026-01-01T00:00:00.000Z',
};
const line = 'confirm-fenced alpha --node db1 --reason "both power cords are out"';

/** db1 was main and is claimed at epoch 8; the failover sleeps, or is still looking. */
async function claimed({
  asleep = true,
  ...change
}: Partial<Lease> & { asleep?: boolean } = {}): Promise<Bench & { token: string }> {
  const bench = await healthy(createBench());
  const lease = { phase: 'claimed' as const, epoch: 8, holder: null, former: 'db1', operation };
  await setLease(bench, { ...lease, shunned: { db1: { label: 'FAILED-OVER', epoch: 8 } }, ...change });
  bench.operations.executions.set(operation.id, { status: 'RUNNING' });
  const token = bench.tasks.begin();
  const since = '2026-01-01T00:00:00.000Z';
  const waiting = { cluster: 'alpha', operation: operation.id, epoch: 8, node: 'db1', tokens: [token], since };
  if (asleep) value(await bench.desk.waits.add(waiting));
  return { ...bench, token };
}

test('T54: the word is written on the lease with name, reason and epoch, journaled, and then the sleeper is woken', async () => {
  const bench = await claimed();
  const woken = bench.tasks.ended(bench.token, 1e9);
  const { code, out, json } = await bench.run(`${line} --yes --json`);
  expect([code, json()]).toEqual([
    0,
    {
      ...{ cluster: 'alpha', node: 'db1', epoch: 8, by: 'ann', reason: 'both power cords are out' },
      ...{ operation: operation.id, woken: 'woken' },
    },
  ]);
  expect(out).not.toContain('RECORDED');
  expect(await woken).toBe(true);
  const { vouched, fence, phase, epoch } = await leaseOf(bench);
  expect(vouched).toMatchObject({ node: 'db1', epoch: 8, by: 'ann', reason: 'both power cords are out' });
  // It proves nothing by itself: the fence step looks, and decides.
  expect({ fence, phase, epoch }).toEqual({ fence: null, phase: 'claimed', epoch: 8 });
  const [entry] = value(await bench.desk.journal.list('alpha')).slice(-1);
  expect(entry).toMatchObject({
    actor: 'operator:ann',
    rule: 'vouch',
    epoch: 8,
    because: expect.stringContaining('power cords'),
  });
});

test('a failover that is still looking finds the word by itself', async () => {
  const { code, out } = await (await claimed({ asleep: false })).run(`${line} --by bob --yes`);
  expect(code).toBe(0);
  expect(out).toMatch(/YOUR WORD FOR 'db1@alpha' IS RECORDED \(epoch 8\)\nalpha-failover-1 is looking now/);
});

test('a token that nobody sleeps with any more is told and does no harm', async () => {
  const bench = await claimed();
  value(await bench.tasks.wake(bench.token));
  const { code, out } = await bench.run(`${line} --yes`);
  expect(code).toBe(0);
  expect(out).toContain('is awake already');
});

test('T3: a sleeper that cannot be woken now has the word all the same, and it is said when it will be found', async () => {
  const bench = await claimed();
  bench.desk.tasks = { wake: async () => fail(unreachable('states:SendTaskSuccess: TimeoutError', 'try again')) };
  const { code, out } = await bench.run(`${line} --yes`);
  expect(code).toBe(0);
  expect(out).toContain('could not be woken now, and looks within a minute');
  expect((await leaseOf(bench)).vouched?.by).toBe('ann');
});

test('without --yes it says what the node said last, what a wrong word leads to, and changes nothing', async () => {
  const bench = await claimed();
  const before = await leaseOf(bench);
  const { code, err } = await bench.run(line);
  expect(code).toBe(3);
  expect(err).toMatch(/if db1 still runs, your word makes two mains \(db1 says at epoch 7: main, engine running/);
  expect(err).toMatch(/next: see with your own eyes that db1 is stopped, then add --yes/);
  expect(await leaseOf(bench)).toEqual(before);
});

test.each<[string, Partial<Lease>, string, RegExp]>([
  [
    'the lease is not claimed',
    { phase: 'held', holder: 'db1', former: null },
    line,
    /nothing has to be proven stopped: the lease of alpha is held/,
  ],
  ['the node is not the former main', {}, line.replace('db1', 'db2'), /the node to be proven stopped is db1, not db2/],
  [
    'it is proven already',
    { fence: { node: 'db1', epoch: 8, how: 'power-off', evidence: 'stopped' } },
    line,
    /already proven stopped by power-off/,
  ],
  ['no failover is under way', { operation: null }, line, /no failover of alpha is under way/],
  ['its execution has ended', { operation: { ...operation, id: 'ended' } }, line, /no failover of alpha is under way/],
])('T54: refused when %s, and nothing is changed', async (_, change, command, saying) => {
  const bench = await claimed(change);
  const before = await leaseOf(bench);
  const { code, err } = await bench.run(`${command} --yes`);
  expect([code, err]).toEqual([3, expect.stringMatching(saying)]);
  expect(await leaseOf(bench)).toEqual(before);
});

test('T54: a lease that moves on between look and word refuses the word', async () => {
  const bench = await claimed();
  const { read } = bench.desk.waits;
  const { leases } = bench.desk;
  const moving = {
    ...leases,
    swap: async (...[was, next]: Parameters<typeof leases.swap>) => {
      bench.desk.leases = leases;
      await setLease(bench, { epoch: 9 });
      return leases.swap(was, next);
    },
  };
  bench.desk.leases = moving;
  const { code, err } = await bench.run(`${line} --yes`);
  expect([code, err]).toEqual([3, expect.stringMatching(/vouch refused: the epoch is 9/)]);
  expect((await leaseOf(bench)).vouched).toBeNull();
  expect(value(await read('alpha'))?.epoch).toBe(8);
});

test('a configuration that leaves `operator` out lets no word count, and says what to do instead', async () => {
  const bench = await claimed();
  await bench.desk.settings.putConfig(aConfig('alpha', { fence: ['demote-ack', 'power-off'], consumers: [] }));
  const { code, err } = await bench.run(`${line} --yes`);
  expect([code, err]).toEqual([
    3,
    expect.stringMatching(
      /lets no person's word count \(fence: demote-ack, power-off\); next: stop the instance of db1/,
    ),
  ]);
});

test('node and reason are demanded, an empty reason is none, and an unknown node is a usage error', async () => {
  const bench = await claimed();
  expect((await bench.run('confirm-fenced alpha --yes')).code).toBe(2);
  expect((await bench.run('confirm-fenced alpha --node db1 --yes')).code).toBe(2);
  expect((await bench.run('confirm-fenced alpha --node db1 --reason "" --yes')).code).toBe(2);
  expect((await bench.run('confirm-fenced alpha --node db9 --reason x --yes')).code).toBe(2);
  const { code, out } = await bench.run('confirm-fenced --help');
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/Examples:\n {2}\$ mainstay confirm-fenced alpha --node db1 --reason/),
  ]);
});

test('status says who is not proven stopped, and what to do', async () => {
  const { out } = await (await claimed()).run('status alpha');
  expect(out).toMatch(
    /db1 IS NOT PROVEN STOPPED; next: stop it and see, then mainstay confirm-fenced alpha --node db1/,
  );
});

test('T50: a failover that sleeps does not block a person who names the right node: seated, and the sleeper is woken to end', async () => {
  const bench = await claimed();
  const woken = bench.tasks.ended(bench.token, 1e9);
  const running = bench.run('start alpha --node db2 --yes --timeout 1');
  expect((await running).code).toBe(8);
  expect(await leaseOf(bench)).toMatchObject({
    phase: 'granted',
    holder: 'db2',
    epoch: 9,
    operation: null,
    vouched: null,
  });
  expect(await woken).toBe(true);
});

test('T50: one that is still looking is not pushed aside', async () => {
  const bench = await claimed({ asleep: false });
  const { code, err } = await bench.run('start alpha --node db2 --yes');
  expect([code, err]).toEqual([3, expect.stringMatching(/failover alpha-failover-1 by automatic is running/)]);
});
