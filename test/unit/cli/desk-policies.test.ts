// Who may become main, how often by itself, what is held after a failover, and losing data with two people's yes.

import { evaluate } from '../../../core/candidates';
import { aConfig, aPolicy, aReport, value } from '../../support/samples';
import { type Bench, createBench, healthy, leaseOf, setLease } from './support';

const entriesOf = async ({ desk }: Bench) => value(await desk.journal.list('alpha'));

describe('policy --no-promote', () => {
  it('keeps a node from becoming main, on record with who and why, until it is lifted', async () => {
    const bench = await healthy(createBench());
    const { code, out } = await bench.run('policy alpha --no-promote db2 --reason "its disk is being replaced"');
    expect(code).toBe(0);
    expect(out).toContain('db2 is not to become main: its disk is being replaced (ann, ');
    expect((await bench.run('switch alpha --dry-run')).out).toMatch(/A SWITCHOVER WOULD GO TO 'db3'/);
    const refused = await bench.run('switch alpha --to db2');
    expect(refused.err).toContain(
      'db2 cannot become main: ann has barred it from becoming main: its disk is being replaced',
    );
    expect(refused.code).toBe(3);
    expect(await entriesOf(bench)).toContainEqual(
      expect.objectContaining({ actor: 'operator:ann', rule: 'bar', because: expect.stringContaining('db2') }),
    );
    await bench.run('policy alpha --may-promote db2 --reason replaced');
    expect((await leaseOf(bench)).barred).toEqual({});
  });

  it.each([
    ['policy alpha --no-promote db2', 2, /a policy is set with a reason/],
    ['policy alpha --no-promote db9 --reason x', 2, /there is no node 'db9'/],
    ['policy alpha --no-promote db1 --reason x', 3, /db1 is the main: move the role away first/],
    ['policy alpha --acknowledge', 2, /a policy is set with a reason/],
  ])('%s ends with %i', async (line, code, why) => {
    const bench = await healthy(createBench());
    const ran = await bench.run(line);
    expect(ran.err).toMatch(why);
    expect(ran.code).toBe(code);
    expect((await leaseOf(bench)).version).toBe(40);
  });
});

describe('policy', () => {
  it('is set in the place of what was read: who came first is named, theirs stays, and nothing is journaled', async () => {
    const bench = await healthy(createBench());
    const { settings } = bench.desk;
    const theirs = aPolicy({ mode: 'manual', by: 'bob', reason: 'a storage upgrade' });
    const read: typeof settings.policy = async (cluster) => {
      const before = await settings.policy(cluster);
      if (before.ok && before.value === null) value(await settings.putPolicy(cluster, theirs));
      return before;
    };
    bench.desk.settings = { ...settings, policy: read };
    const { code, err } = await bench.run('policy alpha maintenance --for 2h --reason "a new kernel"');
    expect(err).toContain(
      "bob has set the policy of alpha to manual meanwhile (a storage upgrade), and ann's is not set; next: read it",
    );
    expect(code).toBe(3);
    expect(value(await settings.policy('alpha'))).toEqual(theirs);
    expect(await entriesOf(bench)).toEqual([]);
  });
});

describe('policy --acknowledge', () => {
  it('shows the automatic failovers that nobody has seen, and lets them count no more (T59)', async () => {
    const bench = await healthy(createBench());
    await setLease(bench, { attempts: [{ operation: 'alpha-failover-e6-r1-0', at: '2026-01-01T00:00:00.000Z' }] });
    expect((await bench.run('policy alpha')).out).toContain('1 automatic failover not acknowledged');
    expect((await bench.run('policy alpha --acknowledge --reason "a bad switch"')).code).toBe(0);
    expect((await leaseOf(bench)).attempts).toEqual([]);
  });
});

describe('hold', () => {
  const failedOver = async () => {
    const bench = await healthy(createBench());
    await setLease(bench, {
      ...{ holder: 'db2', former: 'db1', epoch: 8 },
      shunned: { db1: { label: 'FAILED-OVER-TO-db2', epoch: 8 } },
      hold: { reason: 'db1 lost the main role unexpectedly', epoch: 8 },
      lineage: [
        { timeline: 1, fromBytes: 0, epoch: 1 },
        { timeline: null, fromBytes: 50_331_000, epoch: 8 },
      ],
    });
    return bench;
  };

  it('ls tells what is not synchronised, from which report, where it is kept, and what lets it back', async () => {
    const { code, out } = await (await failedOver()).run('hold ls');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'alpha: HOLD since epoch 8: db1 lost the main role unexpectedly',
      '  db1  SHUNNED(FAILED-OVER-TO-db2)',
      '    not synchronised: 648 B: it was at 50331648, the service went on from 50331000 (its report of 2026-01-01T00:00:00.000Z)',
      '    kept: its whole data directory on db1, stopped and untouched',
      '    next: mainstay-agent inspect, on db1, to read its data first; mainstay recover alpha db1 (keeps what had diverged in its evidenceDir)',
      '',
    ]);
  });

  it('clear lifts the mark with a reason and leaves the node out', async () => {
    const bench = await failedOver();
    expect((await bench.run('hold clear alpha')).code).toBe(2);
    const { code, out } = await bench.run('hold clear alpha --reason "entered again"');
    expect(code).toBe(0);
    expect(out).toContain("HOLD OF 'alpha' IS LIFTED; still shunned: db1");
    expect(await leaseOf(bench)).toMatchObject({ hold: null, shunned: { db1: { epoch: 8 } } });
    const again = await bench.run('hold clear alpha --reason x');
    expect(again).toMatchObject({ code: 3, err: expect.stringContaining('there is no hold') });
  });

  it('says so when nothing is held, and refuses what it does not know', async () => {
    const bench = await healthy(createBench());
    expect((await bench.run('hold ls alpha')).out).toBe('nothing is held\n');
    expect((await bench.run('hold ls --json')).json()).toEqual({ holds: [] });
    expect((await bench.run('hold lift alpha')).code).toBe(2);
  });
});

describe('losing acknowledged data', () => {
  /** sync: db2 is recorded and down, so that only db3 is left, which lacks acknowledged writes. */
  const lacking = async (acceptLoss: 'one-person' | 'second-person') => {
    const bench = await healthy(createBench());
    const nodes = value(await bench.desk.settings.config('alpha'))?.nodes ?? [];
    await bench.desk.settings.putConfig(
      aConfig('alpha', { nodes, acceptLoss, consumers: [], replication: { mode: 'sync', backups: 1 } }),
    );
    await setLease(bench, { synced: ['db2'] });
    const { engine } = aReport('alpha', 'db2');
    await bench.desk.reports.put(
      aReport('alpha', 'db2', { seq: 9, seen: { epoch: 7, version: 40 }, engine: { ...engine, running: false } }),
    );
    return bench;
  };

  it('is refused by itself, and told what would be lost', async () => {
    const bench = await lacking('one-person');
    const { code, err } = await bench.run('failover alpha --force');
    expect(err).toContain('db3: acknowledged writes could be lost: it has less than the recorded backups (db2)');
    expect(code).toBe(3);
  });

  describe('where two nodes lack data, and none is named', () => {
    const twoLack = async (acceptLoss: 'one-person' | 'second-person') => {
      const bench = await lacking(acceptLoss);
      await setLease(bench, { synced: ['db9'] });
      await bench.desk.reports.put(aReport('alpha', 'db2', { seq: 10, seen: { epoch: 7, version: 40 } }));
      return bench;
    };

    it('the loss is planned of the one that is chosen, and of no other, and the plan can be applied', async () => {
      const bench = await twoLack('one-person');
      const plan = (await bench.run('failover alpha --force --accept-loss --dry-run --json')).json();
      expect(plan).toMatchObject({ candidate: 'db2' });
      expect(plan.evaluations).toMatchObject([{ node: 'db1' }, { eligible: true }, { node: 'db3', eligible: false }]);
      const { code, err } = await bench.run(
        `failover alpha --force --accept-loss --apply ${plan.id} --reason x --no-wait`,
      );
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(bench.operations.started[0]?.input).toMatchObject({ acceptLoss: true, to: 'db2', plan: { id: plan.id } });
    });

    it('what one has asked for another one can approve (T54)', async () => {
      const bench = await twoLack('second-person');
      const asked = (await bench.run('failover alpha --force --accept-loss --reason x --json')).json();
      const { code, err } = await bench.run(`approve alpha ${asked.plan} --no-wait`, { user: 'bob' });
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(bench.operations.started[0]?.input).toMatchObject({ approvedBy: 'bob', to: 'db2' });
    });
  });

  it('asks no second person about a node that is not there', async () => {
    const bench = await lacking('second-person');
    const { code, err } = await bench.run('failover alpha --force --accept-loss --to db9 --reason x');
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("there is no node 'db9' in alpha") });
    expect(value(await bench.desk.journal.list('alpha'))).toEqual([]);
  });

  it('is accepted by one person where the cluster asks for no more', async () => {
    const bench = await lacking('one-person');
    const { code } = await bench.run('failover alpha --force --accept-loss --reason "db2 is gone" --no-wait');
    expect(code).toBe(0);
    expect(bench.operations.started[0]?.input).toMatchObject({ acceptLoss: true, by: 'ann', reason: 'db2 is gone' });
  });

  it('shows the plan of a dry run also where two decide, and says that it takes a second person', async () => {
    const bench = await lacking('second-person');
    const { code, out, err } = await bench.run('failover alpha --force --accept-loss --dry-run');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain("A FAILOVER WOULD GO TO 'db3'");
    expect(out).toContain(
      'this takes a second person: ask with mainstay failover alpha --force --accept-loss --reason TEXT, and another one approves',
    );
    expect(out).not.toContain('--apply');
    expect((await bench.run('failover alpha --force --accept-loss --dry-run --json')).json()).toMatchObject({
      ...{ dryRun: true, secondPerson: true, candidate: 'db3' },
    });
    // Everything else that would refuse it is still told.
    await setLease(bench, { synced: ['db9'], shunned: { db3: { label: 'FAILED-TO-PROMOTE', epoch: 7 } } });
    expect((await bench.run('failover alpha --accept-loss --dry-run')).err).toContain('nobody could take over');
    const alone = await lacking('one-person');
    expect((await alone.run('failover alpha --force --accept-loss --dry-run')).out).toContain(
      '--accept-loss --apply 7-db3',
    );
  });

  it('takes a second person, who starts exactly what the first has asked for (T54)', async () => {
    const bench = await lacking('second-person');
    const asked = (await bench.run('failover alpha --force --accept-loss --reason "db2 is gone" --json')).json();
    expect(asked).toMatchObject({ asked: true, candidate: 'db3' });
    expect(bench.operations.started).toEqual([]);
    const twoNames = await bench.run(`approve alpha ${asked.plan} --by bob --no-wait`);
    expect(twoNames.err).toContain('cannot approve it: bob is the same user of the system, ann');
    const sameName = await bench.run(`approve alpha ${asked.plan} --by ann --no-wait`, { user: 'bob' });
    expect(sameName.err).toContain(`ann has asked for plan ${asked.plan} and cannot approve it; next:`);
    expect([twoNames.code, sameName.code, bench.operations.started]).toEqual([3, 3, []]);
    const { code, err } = await bench.run(`approve alpha ${asked.plan} --no-wait`, { user: 'bob' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(bench.operations.started[0]?.input).toMatchObject({
      ...{ by: 'ann', approvedBy: 'bob', acceptLoss: true, force: true, to: 'db3', reason: 'db2 is gone' },
      plan: { id: asked.plan, epoch: 7 },
    });
  });

  it('T54: is accepted of the node that was shown, and of no other', async () => {
    const bench = await lacking('one-person');
    const config = value(await bench.desk.settings.config('alpha'));
    const lease = await leaseOf(bench);
    const reports = value(await bench.desk.reports.list('alpha'));
    if (!config) throw new Error('there is a configuration');
    const question = { config, lease, reports, freshSince: null, mustStream: false };
    const eligible = (acceptLoss: string | undefined) =>
      evaluate({ ...question, acceptLoss }).flatMap(({ node, eligible: able }) => (able ? [node] : []));
    expect([eligible('db3'), eligible('db2'), eligible(undefined)]).toEqual([['db3'], [], []]);
    await bench.run('failover alpha --force --accept-loss --reason "db2 is gone" --no-wait');
    expect(bench.operations.started[0]?.input.to).toBe('db3');
  });

  it('is not called free of loss because of what a node said that has fallen silent since', async () => {
    const bench = await lacking('one-person');
    await bench.desk.reports.put(aReport('alpha', 'db2', { seq: 10, seen: { epoch: 7, version: 40 } }));
    await bench.clock.advance(20_000);
    const { engine } = aReport('alpha', 'db3');
    const at = bench.desk.clock.wall();
    const behind = { ...engine, received: { timeline: 1, bytes: 1000 } };
    await bench.desk.reports.put(
      aReport('alpha', 'db3', { seq: 10, at, seen: { epoch: 7, version: 40 }, engine: behind }),
    );
    const ran = await bench.run('failover alpha --force --accept-loss --dry-run --json');
    const { candidate, atRisk, evaluations } = ran.json();
    expect(candidate).toBe('db3');
    expect(atRisk).toBe('48.0 MiB by the last reports, and whatever the main acknowledges after them');
    expect(evaluations).toContainEqual(
      expect.objectContaining({
        node: 'db2',
        eligible: false,
        because: expect.stringContaining('it has fallen silent'),
      }),
    );
  });

  it.each<[string, (bench: Bench) => unknown, RegExp]>([
    [
      'the state has changed',
      (bench) => setLease(bench, { epoch: 8 }),
      /plan .* is not applied: it was made at epoch 7/,
    ],
    ['more than an hour has passed', ({ clock }) => clock.advance(3_700_000), /more than an hour ago/],
  ])('is not approved any more when %s', async (_, happen, why) => {
    const bench = await lacking('second-person');
    const asked = (await bench.run('failover alpha --force --accept-loss --reason x --json')).json();
    await happen(bench);
    const { code, err } = await bench.run(`approve alpha ${asked.plan} --no-wait`, { user: 'bob' });
    expect(err).toMatch(why);
    expect(code).toBe(3);
    expect(bench.operations.started).toEqual([]);
  });

  it('cannot be approved when nobody has asked', async () => {
    const bench = await lacking('second-person');
    const { code, err } = await bench.run('approve alpha 7-db3-0123456789', { user: 'bob' });
    expect(err).toContain('nobody has asked for plan 7-db3-0123456789');
    expect(code).toBe(3);
  });
});
