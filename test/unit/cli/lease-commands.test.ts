// start, pause, resume: what an operator does to the lease without an execution, and what is refused.

import type { Lease, Report } from '../../../core/model';
import { aConfig, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, leaseOf, setLease, unanswered } from './support';

const shunned = { shunned: { db1: { label: 'FAILED-OVER-TO-db2', epoch: 8 } } };

/** Stands for the agents: as soon as the lease is as `when` says, writes `then`. */
async function agent(bench: Bench, when: (lease: Lease) => boolean, then: Partial<Lease>, report?: Partial<Report>) {
  for (let looks = 0; looks < 100; looks++) {
    const lease = value(await bench.desk.leases.read('alpha'));
    if (lease && when(lease)) {
      if (report) await bench.desk.reports.put(aReport('alpha', lease.holder ?? '', report));
      await bench.clock.sleep(300);
      return setLease(bench, then);
    }
    await bench.clock.sleep(50);
  }
}

async function unseated(): Promise<Bench> {
  const bench = createBench();
  await healthy(bench);
  const fresh = createBench();
  await fresh.desk.settings.putConfig(value(await bench.desk.settings.config('alpha')) as never);
  for (const node of ['db1', 'db2', 'db3'])
    await fresh.desk.reports.put(aReport('alpha', node, { at: fresh.desk.clock.wall() }));
  return fresh;
}

describe('start', () => {
  const becomesMain = (bench: Bench) =>
    agent(
      bench,
      ({ phase }) => phase === 'granted',
      { phase: 'held' },
      { state: 'promoting', rule: 'R70', because: 'the lease is granted to me' },
    );

  it('seats the preferred among the equally advanced and waits until it is main', async () => {
    const bench = await unseated();
    void becomesMain(bench);
    const { code, out } = await bench.run('start alpha');
    expect(code).toBe(0);
    expect(out).toContain('db1 IS SEATED AT EPOCH 1');
    expect(out).toContain('db1 is promoting: R70 the lease is granted to me');
    expect(out).toMatch(/START OF 'db1@alpha' WAS SUCCESSFUL \(epoch 1, \d+ ms\)/);
    expect(value(await bench.desk.journal.list('alpha'))).toMatchObject([
      { actor: 'operator:ann', rule: 'seat', epoch: 1 },
    ]);
  });

  it('seats the node that is named', async () => {
    const bench = await unseated();
    void becomesMain(bench);
    expect((await bench.run('start alpha --node db3 --reason "it has the data" --json')).json()).toMatchObject({
      cluster: 'alpha',
      main: 'db3',
      epoch: 1,
    });
    expect(value(await bench.desk.journal.list('alpha'))[0]?.because).toMatch(/: it has the data$/);
  });

  it.each([
    ['start alpha --node db9', 2, /there is no node 'db9'/],
    ['start beta', 2, /there is no cluster 'beta'/],
  ])('%s is refused', async (line, code, sentence) => {
    const bench = await unseated();
    const ran = await bench.run(line);
    expect(ran.err).toMatch(sentence);
    expect(ran.code).toBe(code);
    expect(value(await bench.desk.leases.read('alpha'))).toBeNull();
  });

  it('refuses when no node has reported, named or not, and leaves no lease behind', async () => {
    const bench = createBench();
    await bench.desk.settings.putConfig(aConfig('alpha'));
    expect(await bench.run('start alpha')).toMatchObject({
      code: 3,
      err: expect.stringContaining('db1: it has never reported'),
    });
    expect(await bench.run('start alpha --node db1')).toMatchObject({
      code: 3,
      err: expect.stringContaining('start its agent'),
    });
    expect(value(await bench.desk.leases.read('alpha'))).toBeNull();
  });

  it('refuses clearly when there is a main', async () => {
    const bench = await healthy(createBench());
    const before = await leaseOf(bench);
    expect(await bench.run('start alpha --node db2 --yes')).toMatchObject({
      code: 3,
      err: expect.stringContaining('alpha has a main: db1 (held, epoch 7); next: to move it: mainstay switch alpha'),
    });
    expect(await leaseOf(bench)).toEqual(before);
  });

  it('after a failover that found nobody needs a name and a word that the former main is stopped', async () => {
    const bench = await healthy(createBench());
    await setLease(bench, { phase: 'claimed', holder: null, former: 'db1', epoch: 8, ...shunned });
    expect(await bench.run('start alpha')).toMatchObject({ code: 2, err: expect.stringContaining('--node NAME') });
    const asked = await bench.run('start alpha --node db2');
    expect(asked).toMatchObject({ code: 3, err: expect.stringMatching(/db1 is NOT proven stopped.*add --yes/) });
    void becomesMain(bench);
    expect(await bench.run('start alpha --node db2 --yes')).toMatchObject({ code: 0 });
    expect(await leaseOf(bench)).toMatchObject({ holder: 'db2', epoch: 9 });
  });

  it('that takes longer than --timeout ends with 8', async () => {
    const ran = await (await unseated()).run('start alpha --timeout 1');
    expect(ran).toMatchObject({ code: 8, err: expect.stringContaining('mainstay status alpha') });
  });
});

describe('pause and resume', () => {
  it('pause asks the main to stop cleanly and waits until it has', async () => {
    const bench = await healthy(createBench());
    void agent(bench, ({ drain }) => drain === 'pause', { phase: 'paused', drain: null, pausedBy: 'operator' });
    const { code, out } = await bench.run('pause alpha --reason "another rack"');
    expect(code).toBe(0);
    expect(out).toContain('db1 IS ASKED TO STOP CLEANLY');
    expect(out).toMatch(/PAUSE OF 'alpha' WAS SUCCESSFUL \(epoch 7/);
    expect(value(await bench.desk.journal.list('alpha'))).toMatchObject([
      { because: 'db1 is asked to stop cleanly: another rack' },
    ]);
  });

  it('resume lets the paused main be main again, at the next epoch', async () => {
    const bench = await healthy(createBench());
    await setLease(bench, { phase: 'paused', pausedBy: 'operator' });
    void agent(bench, ({ phase }) => phase === 'granted', { phase: 'held' });
    const { json } = await bench.run('resume alpha --reason "the rack has moved" --json');
    expect(json()).toMatchObject({ cluster: 'alpha', main: 'db1', epoch: 8 });
    expect(value(await bench.desk.journal.list('alpha'))).toMatchObject([
      { rule: 'resume', because: 'db1 may be main again at epoch 8: the rack has moved' },
    ]);
  });

  it.each<[string, Partial<Lease>, string, RegExp]>([
    [
      'pause of a paused service',
      { phase: 'paused', pausedBy: 'operator' },
      'pause',
      /is paused already, by operator; next: mainstay resume/,
    ],
    ['a second pause', { drain: 'pause' }, 'pause', /is being paused already: db1 has been asked to stop/],
    ['pause of a drained main', { drain: 'transfer' }, 'pause', /the holder is being drained/],
    ['resume of a serving main', {}, 'resume', /alpha is not paused: its lease is held/],
    ['resume while it is being paused', { drain: 'pause' }, 'resume', /alpha is being paused/],
    [
      'resume of a node that is down',
      { phase: 'paused', pausedBy: 'stop' },
      'resume',
      /start the agent on db1; .*failover alpha --force/,
    ],
  ])('%s is refused and changes nothing', async (_, change, verb, sentence) => {
    const bench = await healthy(createBench());
    await setLease(bench, change);
    const before = await leaseOf(bench);
    const { code, err } = await bench.run(`${verb} alpha`);
    expect(err).toMatch(sentence);
    expect(code).toBe(3);
    expect(await leaseOf(bench)).toEqual(before);
  });

  it.each(['pause', 'resume'])(
    '%s while an operation runs is refused; after its execution has ended it is not',
    async (verb) => {
      const bench = await healthy(createBench());
      const operation = { id: 'x-1', kind: 'failover' as const, by: 'bob', since: '2026-01-01' };
      await setLease(bench, { operation, ...(verb === 'resume' ? { phase: 'paused', pausedBy: 'operator' } : {}) });
      bench.operations.executions.set('x-1', { status: 'RUNNING' });
      expect(await bench.run(`${verb} alpha`)).toMatchObject({
        code: 3,
        err: expect.stringContaining('failover x-1 by bob is running'),
      });
      bench.operations.executions.delete('x-1');
      expect(await bench.run(`${verb} alpha --timeout 1`)).toMatchObject({ code: 8 });
    },
  );

  it('warns when the journal cannot be written, and goes on', async () => {
    const bench = await healthy(createBench());
    const journal = { list: bench.desk.journal.list, append: unanswered('TimeoutError').policy };
    void agent(bench, ({ drain }) => drain === 'pause', { phase: 'paused', drain: null, pausedBy: 'operator' });
    const ran = await bench.run('pause alpha', { openDesk: () => ({ ...bench.desk, journal }) });
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('this is not in the journal') });
  });
});
