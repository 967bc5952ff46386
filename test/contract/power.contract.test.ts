// Power: memory, and EC2 as the emulator has it. There StopInstances is instant and a terminated instance can be stopped;
// test/support/ec2-rules.ts lays in between what AWS documents, so `stopping` and the refusals here come from that.

import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createPower } from '../../adapters/aws/power';
import { createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryPower } from '../../adapters/memory/power';
import type { PowerState } from '../../core/ports';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { answerStops, enforceEc2Rules, refuseAlways } from '../support/ec2-rules';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { problem, value } from '../support/samples';
import { cutOne, powerContract } from './suites/power';

powerContract('memory', async () => {
  const script = createFaultScript();
  const clock = createVirtualClock();
  const power = createMemoryPower({
    clock,
    instanceIds: ['i-1', 'i-2'],
    stopMs: 30_000,
    startMs: 20_000,
    faults: script,
  });
  return {
    power,
    script,
    instanceId: 'i-1',
    otherId: 'i-2',
    holdStopping: () => undefined,
    stopped: () => clock.advance(30_000),
    settle: async () => void (await clock.runUntilIdle()),
    terminate: async () => power.set('i-1', 'terminated'),
    methods: { state: 'state', cut: 'cut', start: 'start' },
  };
});

it('memory power passes through every state, in order, and tells a simulation', async () => {
  const clock = createVirtualClock();
  const seen: string[] = [];
  const onChange = (_: string, state: PowerState) => seen.push(`${state} ${clock.nowMs()}`);
  const power = createMemoryPower({ clock, instanceIds: ['i-1'], stopMs: 30_000, startMs: 20_000, onChange });
  value(await cutOne(power, 'i-1'));
  await clock.runUntilIdle();
  value(await power.start('i-1'));
  await clock.runUntilIdle();
  expect(seen).toEqual(['stopping 0', 'stopped 30000', 'pending 30000', 'running 50000']);
});

it('memory power: what happens to an instance while it stops is not undone by the end of stopping', async () => {
  const clock = createVirtualClock();
  const power = createMemoryPower({ clock, instanceIds: ['i-1'], stopMs: 30_000 });
  value(await cutOne(power, 'i-1'));
  power.set('i-1', 'terminated');
  await clock.runUntilIdle();
  expect(value(await power.state('i-1'))).toBe('terminated');
});

describe('on the emulator', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  async function aSubject() {
    const script = createFaultScript();
    const ec2 = createClient(EC2Client, cloud.options);
    const rules = enforceEc2Rules(ec2, cloud.options);
    injectFaults(ec2, script);
    const run = new RunInstancesCommand({ ImageId: 'ami-1', InstanceType: 't3.micro', MinCount: 2, MaxCount: 2 });
    const emulator = createClient(EC2Client, cloud.options);
    const started = (await emulator.send(run)).Instances?.map(({ InstanceId }) => String(InstanceId)) ?? [];
    const [instanceId = '', otherId = ''] = started;
    return {
      ec2,
      power: createPower(ec2),
      script,
      instanceId,
      otherId,
      holdStopping: rules.holdStopping,
      stopped: async () => rules.stopped(),
      settle: async () => rules.stopped(),
      terminate: async () => void (await emulator.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }))),
      methods: { state: 'DescribeInstances', cut: 'StopInstances', start: 'StartInstances' },
    };
  }

  powerContract('EC2', aSubject);

  it('T12: cuts by force and without asking the operating system', async () => {
    const { power, script, instanceId } = await aSubject();
    value(await cutOne(power, instanceId));
    expect(script.calls[0]?.args).toEqual([{ InstanceIds: [instanceId], Force: true, SkipOsShutdown: true }]);
  });

  it.each([
    ['DescribeInstances', 'state'],
    ['StopInstances', 'cut'],
    ['StartInstances', 'start'],
  ] as const)('a missing permission is Broken and `next` names ec2:%s', async (action, method) => {
    const { ec2, power, instanceId } = await aSubject();
    refuseAlways(ec2, `${action}Command`, 'UnauthorizedOperation', 403);
    const seen = problem(await (method === 'cut' ? cutOne(power, instanceId) : power[method](instanceId)));
    expect(seen.code).toBe('Broken');
    expect(seen.next).toContain(`ec2:${action}`);
  });

  it('T19: stop protection is Broken, and `next` says what to change', async () => {
    const { ec2, power, instanceId } = await aSubject();
    refuseAlways(ec2, 'StopInstancesCommand', 'OperationNotPermitted', 400);
    const seen = problem(await cutOne(power, instanceId));
    expect(seen.code).toBe('Broken');
    expect(seen.next).toContain('disableApiStop');
  });

  it('T12: where SkipOsShutdown is not known it is cut by force alone, and the answer says so', async () => {
    for (const name of ['UnknownParameter', 'InvalidParameterCombination', 'UnsupportedOperation']) {
      const { ec2, power, script, instanceId, settle } = await aSubject();
      refuseAlways(ec2, 'StopInstancesCommand', name, 400, ({ SkipOsShutdown }) => SkipOsShutdown === true);
      expect(value(await cutOne(power, instanceId))).toBe('after-shutdown');
      expect(script.calls.map(({ args }) => args[0])).toEqual([
        { InstanceIds: [instanceId], Force: true, SkipOsShutdown: true },
        { InstanceIds: [instanceId], Force: true },
      ]);
      await settle();
      expect(value(await power.state(instanceId))).toBe('stopped');
    }
  });

  it('T66: a hundred instances are cut in two calls and looked at in one; one bad id costs a dozen more and spoils none', async () => {
    const { ec2, power, script } = await aSubject();
    const ids = Array.from({ length: 100 }, (_, at) => `i-${String(at).padStart(17, '0')}`);
    const bad = ids[70] as string;
    answerStops(ec2, bad);
    const cut = value(await power.cut(ids));
    expect(script.calls.length).toBeLessThanOrEqual(2 + 12);
    expect(Math.max(...script.calls.map(({ args }) => (args[0] as { InstanceIds: string[] }).InstanceIds.length))).toBe(
      50,
    );
    expect(ids.filter((id) => !cut.get(id)?.ok)).toEqual([bad]);
    script.calls.length = 0;
    const seen = value(await power.states(ids.filter((id) => id !== bad)));
    expect([script.calls.length, seen.size]).toEqual([1, 99]);
  });
});
