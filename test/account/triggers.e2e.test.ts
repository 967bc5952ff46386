// Every trigger of the deployed stack, driven as its source drives it: what execution it starts and how that ends, what then
// stands on the lease and in the journal, where the address points, and what is published. Real agents, modelled engines.

import { ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { ClusterConfig, Lease } from '../../core/model';
import { stepNames } from '../../core/plan';
import { neededInAMoment, plans } from '../../workflows/plans';
import { value } from '../support/samples';
import { Account, clusterOf, type Ended, type Rented, stackName } from './account';
import type { Crew } from './crew';

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const openMs = 120_000;
const moveMs = 120_000;
/** As the defaults, and slower to give a busy machine up. */
const timings = { ttlMs: 6_000, storeTimeoutMs: 1_000 };

describe('the emulated account', () => {
  let account: Account;
  let rented: Rented;
  let crew: Crew;
  beforeAll(async () => {
    account = await Account.open();
    rented = await account.rent(3);
    const alpha = clusterOf('alpha', rented, { timings, failovers: { coolDownMs: 0 } });
    await account.deploy(await account.synthesize([alpha]));
    await account.listen('mainstay');
    crew = account.man(alpha);
    await account.until('reports of all', async () => (await account.cli('switch', 'alpha', '--dry-run')).code !== 5);
  }, openMs);
  afterAll(() => account?.close());

  const instanceOf = (node: string | null) => crew.machine(node).config.instanceId;

  /** What must be so after any move of the main role. */
  async function expectServing(holder: string | null, epoch: number): Promise<Lease> {
    const lease = await account.healthy('alpha');
    expect(lease).toMatchObject({ phase: 'held', holder, epoch, operation: null, drain: null });
    expect(await account.target(rented.allocationId)).toBe(instanceOf(holder));
    expect(crew.machines.filter(({ accepts }) => accepts).map(({ name }) => name)).toEqual([holder]);
    return lease;
  }

  const published = async (operation: string) =>
    (await account.heard('Operation Ended')).filter((detail) => detail.operation === operation);
  const steps = async (operation: string) =>
    (await account.journal('alpha', operation))
      .filter(({ actor }) => actor.startsWith('step:'))
      .map(({ rule }) => rule);
  /** As the plan lists them; two that run side by side may end in either order. */
  const inOrder = (names: readonly string[]) => [...names].sort();
  const authority = ({ epoch, phase, holder, operation, shunned }: Lease) => ({
    ...{ epoch, phase, holder, operation, shunned },
  });
  const other = (not: string | null) => crew.machines.map(({ name }) => name).filter((name) => name !== not);
  const failovers = async (before: readonly Ended[]) =>
    (await account.executions('failover')).filter(({ name }) => !before.some((known) => known.name === name));

  test(
    'cli start: the named node is seated, the others follow it, and the address is brought to it',
    async () => {
      await account.must('start', 'alpha', '--node', 'db1');
      await expectServing('db1', 1);
      expect(await account.executions('failover')).toEqual([]);
    },
    moveMs,
  );

  test(
    'cli switch: one execution under the name that was printed, every step journalled, its end published',
    async () => {
      await account.must('switch', 'alpha', '--to', 'db2', '--reason', 'kernel update');
      await expectServing('db2', 2);
      const [execution] = await account.executions('switchover');
      expect(execution).toMatchObject({
        status: 'SUCCEEDED',
        input: { cluster: 'alpha', to: 'db2', reason: 'kernel update' },
      });
      const name = execution?.name ?? '';
      expect(inOrder(await steps(name))).toEqual(inOrder(plans.switchover.entries.flatMap(stepsOfEntry)));
      expect(await published(name)).toEqual([expect.objectContaining({ outcome: 'done', main: 'db2', epoch: 2 })]);
    },
    moveMs,
  );

  test(
    'the Step Functions console: an execution that a person types in, without a name, does the same',
    async () => {
      const name = await account.press('switchover', '{ "cluster": "alpha" }');
      expect(await account.ended('switchover', name)).toMatchObject({ status: 'SUCCEEDED' });
      const lease = await account.healthy('alpha');
      expect(lease.holder).not.toBe('db2');
      await expectServing(lease.holder, 3);
      expect(await published(name)).toHaveLength(1);
    },
    moveMs,
  );

  test.each([
    ['no cluster', '{}', 'Undo.BadInput'],
    ['a cluster that is not there', '{"cluster":"nowhere"}', 'Undo.UnknownCluster'],
    ['a node that is none', '{"cluster":"alpha","to":"db9"}', 'Undo.UnknownNode'],
    ['a number for a node', '{"cluster":"alpha","to":2}', 'Undo.BadInput'],
  ])('the Step Functions console: %s is refused by name and changes nothing', async (_, input, error) => {
    const before = authority(await account.lease('alpha'));
    for (const kind of ['switchover', 'failover'] as const) {
      const ended = await account.ended(kind, await account.press(kind, input));
      expect(ended).toMatchObject({ status: 'FAILED', error });
    }
    expect(authority(await account.lease('alpha'))).toEqual(before);
  });

  test(
    'the Step Functions console: a failover of a healthy main is refused',
    async () => {
      const before = authority(await account.lease('alpha'));
      const name = await account.press('failover', '{"cluster":"alpha"}', 'alpha-by-hand');
      expect(await account.ended('failover', name)).toMatchObject({ status: 'FAILED', error: 'Undo.Healthy' });
      expect(authority(await account.lease('alpha'))).toEqual(before);
    },
    moveMs,
  );

  test('Lease Overdue: dispatch and every function of a failover are started once, and nothing else happens', async () => {
    const names = ['dispatch', ...stepNames(plans.failover)];
    const counts = () => Promise.all(names.map((name) => account.invocations(name)));
    const [before, leaseBefore, executions] = await Promise.all([
      counts(),
      account.lease('alpha'),
      account.executions('failover'),
    ]);
    await account.announce('mainstay.alpha', 'Lease Overdue', { cluster: 'alpha' });
    await account.until('every function', async () => (await counts()).every((count, at) => count > (before[at] ?? 0)));
    expect(await counts()).toEqual(before.map((count) => count + 1));
    expect(authority(await account.lease('alpha'))).toEqual(authority(leaseBefore));
    expect(await account.executions('failover')).toHaveLength(executions.length);
  });

  test(
    'the clocks: each rule with a schedule has its targets, and what it sends harms nobody',
    async () => {
      const { Rules = [] } = await account.events.send(new ListRulesCommand({}));
      const clocks = Rules.filter(({ ScheduleExpression }) => ScheduleExpression);
      const targets = await Promise.all(
        clocks.map(async ({ Name, ScheduleExpression }) => {
          const { Targets = [] } = await account.events.send(new ListTargetsByRuleCommand({ Rule: Name }));
          return Targets.map(
            ({ Arn }) => `${ScheduleExpression} ${Arn?.split(':').at(-1)?.replace(`${stackName}-`, '')}`,
          );
        }),
      );
      expect(targets.flat().sort()).toEqual([
        'rate(1 minute) heartbeats',
        'rate(1 minute) sweep',
        'rate(5 minutes) rounds',
        'rate(5 minutes) warm',
      ]);
      const before = authority(await account.lease('alpha'));
      const counts = () => Promise.all(neededInAMoment.map((name) => account.invocations(name)));
      const earlier = await counts();
      expect(await account.invoke('warm', {})).toEqual({ warm: neededInAMoment.length });
      expect(await counts()).toEqual(earlier.map((count) => count + 1));
      expect(await account.invoke('rounds', {})).toEqual({ notReady: {}, done: [], problems: [] });
      expect(authority(await account.lease('alpha'))).toEqual(before);
    },
    moveMs,
  );

  test(
    'the clocks: a drill that is due moves the role there and back, and is on record',
    async () => {
      const { epoch, holder } = await account.lease('alpha');
      const config = value(await account.settings().config('alpha')) as ClusterConfig;
      const day = (offset: number) => days[(new Date().getUTCDay() + offset + 7) % 7];
      // Today, whatever the time is, and whenever the test ends.
      const drill = { window: `${day(-1)}:12:00-${day(2)}:12:00`, rtoMs: 60_000 };
      value(await account.settings().putConfig({ ...config, drill }));
      const records = async () => (await account.journal('alpha')).filter(({ rule }) => rule === 'drill');
      await account.until('a drill on record', async () => {
        await account.healthy('alpha');
        const { problems } = (await account.invoke('rounds', {})) as { problems: string[] };
        expect(problems).toEqual([]);
        return (await records()).length > 0;
      });
      value(await account.settings().putConfig(config));
      await expectServing(holder, epoch + 2);
      expect(await records()).toMatchObject([{ actor: 'rounds', details: { met: true } }]);
    },
    moveMs,
  );

  test(
    'Engine Down: a main that gives up is replaced at once; T67: the event that comes again starts nothing',
    async () => {
      const { holder, epoch } = await account.lease('alpha');
      const before = await account.executions('failover');
      const { engine } = crew.machine(holder);
      engine.defect = 'the data directory is damaged';
      engine.kill('damaged');
      await account.until('a failover', async () => (await account.lease('alpha')).epoch > epoch);
      const lease = await account.healthy('alpha');
      await expectServing(lease.holder, epoch + 1);
      expect(lease.shunned).toMatchObject({ [String(holder)]: { epoch: epoch + 1 } });
      const [execution, ...more] = await failovers(before);
      expect(more).toEqual([]);
      expect(execution?.name).toMatch(new RegExp(`^alpha-failover-e${epoch}-r\\d+-\\d+$`));
      expect(execution?.input).toMatchObject({ cluster: 'alpha', by: 'automatic', reason: 'Engine Down' });
      expect(await account.ended('failover', execution?.name ?? '')).toMatchObject({ status: 'SUCCEEDED' });
      expect(inOrder(await steps(execution?.name ?? ''))).toEqual(
        inOrder(plans.failover.entries.flatMap(stepsOfEntry)),
      );
      expect(lease.former).toBe(holder);
      const [event] = await account.heard('Engine Down');
      await account.announce('mainstay.alpha', 'Engine Down', event ?? {});
      await account.announce('mainstay.alpha', 'Engine Down', event ?? {});
      const count = await account.invocations('dispatch');
      await account.announce('mainstay.alpha', 'Engine Down', event ?? {});
      await account.until('dispatch', async () => (await account.invocations('dispatch')) > count);
      expect(await failovers(before)).toHaveLength(1);
      await expectServing(lease.holder, epoch + 1);
      engine.defect = null;
      await account.must('recover', 'alpha', String(holder));
      expect((await account.healthy('alpha')).shunned).toEqual({});
    },
    moveMs,
  );

  test(
    'Lease Expired: T49: two backups see it, one execution replaces the main; its power is restored by recover',
    async () => {
      const { holder, epoch } = await account.healthy('alpha');
      const before = await account.executions('failover');
      await account.pullPlug(instanceOf(holder));
      await account.until('a failover', async () => (await account.lease('alpha')).epoch > epoch);
      const lease = await account.healthy('alpha');
      await expectServing(lease.holder, epoch + 1);
      expect(other(holder)).toContain(lease.holder);
      const [execution, ...more] = await failovers(before);
      expect(more).toEqual([]);
      expect(execution?.input).toMatchObject({
        reason: 'Lease Expired',
        watched: { epoch, seenBy: expect.stringMatching(/^db\d$/) },
      });
      expect(await account.ended('failover', execution?.name ?? '')).toMatchObject({ status: 'SUCCEEDED' });
      expect(await published(execution?.name ?? '')).toEqual([
        expect.objectContaining({ main: lease.holder, epoch: epoch + 1 }),
      ]);
      const name = await account.press('recover', JSON.stringify({ cluster: 'alpha', node: holder }));
      expect(await account.ended('recover', name)).toMatchObject({ status: 'SUCCEEDED' });
      expect((await account.healthy('alpha')).shunned).toEqual({});
    },
    moveMs,
  );

  test(
    'T67: an event that comes hours late finds the lease gone on, and its execution ends without a change',
    async () => {
      const { epoch, ...lease } = await account.healthy('alpha');
      const before = await account.executions('failover');
      const late = { cluster: 'alpha', epoch: epoch - 1, renewals: 3, silentMs: 4100, seenBy: 'db3', attempt: 7 };
      for (let times = 0; times < 3; times++) await account.announce('mainstay.alpha', 'Lease Expired', late);
      await account.until('its execution', async () => (await failovers(before)).length > 0);
      const ended = await account.ended('failover', `alpha-failover-e${epoch - 1}-r3-7`);
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Undo.NotSilent' });
      expect(await failovers(before)).toHaveLength(1);
      expect(authority(await account.lease('alpha'))).toEqual(authority({ ...lease, epoch }));
    },
    moveMs,
  );

  test('an event that says nothing of use starts no execution', async () => {
    const before = await account.executions('failover');
    const count = await account.invocations('dispatch');
    await account.announce('mainstay.alpha', 'Lease Expired', { cluster: 'alpha; rm -rf /', epoch: 'one' });
    await account.until('dispatch', async () => (await account.invocations('dispatch')) > count);
    expect(await failovers(before)).toEqual([]);
  });

  test("a forged event, about another cluster than its node's, starts nothing", async () => {
    const { epoch, renewals, ...lease } = await account.healthy('alpha');
    const before = [await account.executions('failover'), await account.executions('switchover')];
    const forged = { cluster: 'alpha', epoch, renewals, silentMs: 9000, seenBy: 'db2', attempt: 0 };
    const counted = async () => [await account.invocations('dispatch'), await account.invocations('change')];
    const [dispatched = 0, changed = 0] = await counted();
    for (const source of ['mainstay.beta', 'mainstay']) await account.announce(source, 'Engine Down', forged);
    const to = other(lease.holder)[0];
    const asked = { cluster: 'alpha', epoch, node: to, change: 'MAIN', kind: 'switchover', to, by: 'rest:192.0.2.1' };
    await account.announce('mainstay.beta', 'Change Requested', { ...asked, request: 'forged-request' });
    await account.until('both functions', async () => {
      const [dispatches = 0, changes = 0] = await counted();
      return dispatches >= dispatched + 2 && changes > changed;
    });
    expect([await account.executions('failover'), await account.executions('switchover')]).toEqual(before);
    await expect(
      account.invoke('change', {
        'detail-type': 'Change Requested',
        source: 'mainstay.beta',
        detail: { ...asked, request: 'forged-request' },
      }),
    ).rejects.toThrow('comes from mainstay.beta');
    expect(authority(await account.lease('alpha'))).toEqual(authority({ ...lease, epoch, renewals }));
  });

  const switchovers = async (before: readonly Ended[]) =>
    (await account.executions('switchover')).filter(({ name }) => !before.some((known) => known.name === name));
  const alarmOf = (node: string | null) => ({
    alarmName: `${stackName}/alpha/${node}/system-check`,
    state: { value: 'ALARM', reason: 'Threshold Crossed' },
    previousState: { value: 'OK' },
    configuration: {
      metrics: [
        { metricStat: { metric: { name: 'StatusCheckFailed_System', dimensions: { InstanceId: instanceOf(node) } } } },
      ],
    },
  });

  test(
    'T9, T67: an alarm on a main that renews has it watched, and leaves it alone',
    async () => {
      const { holder } = await account.healthy('alpha');
      const before = await account.executions('failover');
      const lease = authority(await account.lease('alpha'));
      for (let times = 0; times < 3; times++)
        await account.announce('aws.cloudwatch', 'CloudWatch Alarm State Change', alarmOf(holder));
      await account.until('its execution', async () => (await failovers(before)).length > 0);
      const [execution] = await failovers(before);
      expect(execution?.name).toMatch(new RegExp(`^alpha-failover-e${lease.epoch}-m\\d{12}$`));
      expect(await account.ended('failover', execution?.name ?? '')).toMatchObject({ error: 'Undo.NotSilent' });
      // One name a minute: three events that straddle two minutes have two.
      expect((await failovers(before)).length).toBeLessThanOrEqual(2);
      expect(authority(await account.lease('alpha'))).toEqual(lease);
    },
    moveMs,
  );

  test(
    'EC2 takes the spot instance of the main back: the role is moved before, by a switchover',
    async () => {
      const { holder, epoch } = await account.healthy('alpha');
      const before = await account.executions('switchover');
      const detail = { 'instance-id': instanceOf(holder), 'instance-action': 'terminate' };
      await account.announce('aws.ec2', 'EC2 Spot Instance Interruption Warning', detail);
      await account.until('its execution', async () => (await switchovers(before)).length > 0);
      const [execution] = await switchovers(before);
      expect(await account.ended('switchover', execution?.name ?? '')).toMatchObject({ status: 'SUCCEEDED' });
      const lease = await account.healthy('alpha');
      expect(lease.holder).not.toBe(holder);
      await expectServing(lease.holder, epoch + 1);
    },
    moveMs,
  );

  test(
    'AWS Health schedules a change of the main: a person is told, and nothing is moved',
    async () => {
      const { holder, epoch } = await account.healthy('alpha');
      const scheduled = async () =>
        (await account.heard('Attention Needed')).filter(
          ({ node, what }) => node === holder && what === 'scheduled-change',
        );
      await account.announce('aws.health', 'AWS Health Event', {
        service: 'EC2',
        eventTypeCode: 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
        eventTypeCategory: 'scheduledChange',
        startTime: 'Sat, 05 Jun 2027 15:10:09 GMT',
        affectedEntities: [{ entityValue: instanceOf(holder) }],
      });
      await account.until('a notice', async () => (await scheduled()).length > 0);
      expect(await scheduled()).toHaveLength(1);
      await expectServing(holder, epoch);
    },
    moveMs,
  );

  test(
    "an instance that is nobody's may stop without anybody doing anything",
    async () => {
      const names = async () => [
        ...(await account.executions('failover')).map(({ name }) => name),
        ...(await account.executions('switchover')).map(({ name }) => name),
      ];
      const before = await names();
      const count = await account.invocations('dispatch');
      const detail = { 'instance-id': 'i-00000000000000001', state: 'stopped' };
      await account.announce('aws.ec2', 'EC2 Instance State-change Notification', detail);
      await account.until('dispatch', async () => (await account.invocations('dispatch')) > count);
      expect(await names()).toEqual(before);
    },
    moveMs,
  );

  test(
    'T50: an execution that is stopped half-way leaves its lock; the status event has the sweep settle it',
    async () => {
      const { holder, epoch } = await account.healthy('alpha');
      const name = await account.press('switchover', '{"cluster":"alpha"}', 'alpha-stopped');
      await account.until('the lock', async () => (await account.lease('alpha')).operation?.id === name);
      const executionArn = `${account.machineArn('switchover').replace(':stateMachine:', ':execution:')}:${name}`;
      await account.sfn.send(new StopExecutionCommand({ executionArn }));
      const stateMachineArn = account.machineArn('switchover');
      const known = await account.executions('settle');
      // The emulator has no status events of its own.
      await account.announce('aws.states', 'Step Functions Execution Status Change', {
        ...{ executionArn, stateMachineArn, name, status: 'ABORTED' },
      });
      const settles = async () =>
        (await account.executions('settle')).filter((each) => !known.some((k) => k.name === each.name));
      await account.until('settle', async () => (await settles()).length > 0);
      const [settle] = await settles();
      expect(settle?.input).toMatchObject({ reason: expect.stringContaining(`${name} by operator was abandoned`) });
      expect(await account.ended('settle', settle?.name ?? '')).toMatchObject({ status: 'SUCCEEDED' });
      const lease = await account.healthy('alpha');
      // Stopped before or behind the transfer: either way one main serves, and the address is with it.
      expect([epoch, epoch + 1]).toContain(lease.epoch);
      if (lease.epoch === epoch) expect(lease.holder).toBe(holder);
      await expectServing(lease.holder, lease.epoch);
    },
    moveMs,
  );

  test(
    'T47: an address that somebody moves away is brought back by the next sweep',
    async () => {
      const { holder, epoch } = await account.healthy('alpha');
      await account.steal(rented.allocationId, instanceOf(other(holder)[0] ?? null));
      await account.invoke('sweep', { 'detail-type': 'Scheduled Event', detail: {} });
      await account.until(
        'the address',
        async () => (await account.target(rented.allocationId)) === instanceOf(holder),
      );
      await expectServing(holder, epoch);
    },
    moveMs,
  );
});

const stepsOfEntry = (entry: (typeof plans.failover.entries)[number]): string[] =>
  'together' in entry ? entry.together.map(({ step }) => step) : [entry.step];
