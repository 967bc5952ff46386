// Power: memory, and EC2 as the emulator has it. There StopInstances is instant and a terminated instance can be stopped;
// test/support/ec2-rules.ts lays in between what AWS documents, so `stopping` and the refusals here come from that.

import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createPower } from '../../adapters/aws/power';
import { createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryPower } from '../../adapters/memory/power';
import type { PowerState } from '../../core/ports';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { enforceEc2Rules, refuseAlways } from '../support/ec2-rules';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { problem, value } from '../support/samples';
import { powerContract } from './suites/power';

powerContract('memory', async () => {
  const script = createFaultScript();
  const clock = createVirtualClock();
  const power = createMemoryPower({ clock, instanceIds: ['i-1'], stopMs: 30_000, startMs: 20_000, faults: script });
  return {
    power,
    script,
    instanceId: 'i-1',
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
  value(await power.cut('i-1'));
  await clock.runUntilIdle();
  value(await power.start('i-1'));
  await clock.runUntilIdle();
  expect(seen).toEqual(['stopping 0', 'stopped 30000', 'pending 30000', 'running 50000']);
});

it('memory power: what happens to an instance while it stops is not undone by the end of stopping', async () => {
  const clock = createVirtualClock();
  const power = createMemoryPower({ clock, instanceIds: ['i-1'], stopMs: 30_000 });
  value(await power.cut('i-1'));
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
    const run = new RunInstancesCommand({ ImageId: 'ami-1', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 });
    const emulator = createClient(EC2Client, cloud.options);
    const instanceId = String((await emulator.send(run)).Instances?.[0]?.InstanceId);
    return {
      ec2,
      power: createPower(ec2),
      script,
      instanceId,
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
    value(await power.cut(instanceId));
    expect(script.calls[0]?.args).toEqual([{ InstanceIds: [instanceId], Force: true, SkipOsShutdown: true }]);
  });

  it.each([
    ['DescribeInstances', 'state'],
    ['StopInstances', 'cut'],
    ['StartInstances', 'start'],
  ] as const)('a missing permission is Broken and `next` names ec2:%s', async (action, method) => {
    const { ec2, power, instanceId } = await aSubject();
    refuseAlways(ec2, `${action}Command`, 'UnauthorizedOperation', 403);
    const seen = problem(await power[method](instanceId));
    expect(seen.code).toBe('Broken');
    expect(seen.next).toContain(`ec2:${action}`);
  });

  it('T19: stop protection is Broken, and `next` says what to change', async () => {
    const { ec2, power, instanceId } = await aSubject();
    refuseAlways(ec2, 'StopInstancesCommand', 'OperationNotPermitted', 400);
    const seen = problem(await power.cut(instanceId));
    expect(seen.code).toBe('Broken');
    expect(seen.next).toContain('disableApiStop');
  });
});
