// Vip: the same algorithm over memory and over EC2 as the emulator has it. The emulator does not enforce
// AllowReassociation=false and ends any association id without complaint; test/support/ec2-rules.ts lays what AWS
// documents in between, so the refusals here come from that and not from the emulator.

import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createEipVip } from '../../adapters/aws/eip-vip';
import { createMemoryAddresses, createMemoryVip } from '../../adapters/memory/vip';
import { createSystemClock } from '../../adapters/system';
import type { Clock } from '../../core/ports';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { enforceEc2Rules } from '../support/ec2-rules';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { aConfig, aNode } from '../support/samples';
import { vipContract } from './suites/vip';

/** Time that passes by being slept through: a bound is reached after so many looks, at once. */
function hastyClock(): Clock {
  let nowMs = 0;
  return {
    ...createSystemClock(),
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  };
}

vipContract('memory', async () => {
  const script = createFaultScript();
  const config = aConfig('shop');
  const { allocationId } = config.vip;
  const addresses = createMemoryAddresses({ allocationIds: [allocationId], faults: script });
  return {
    vip: createMemoryVip(addresses, hastyClock()),
    config,
    script,
    steal: async (instanceId) => addresses.steal(allocationId, instanceId),
    target: async () => addresses.target(allocationId),
    stranger: 'i-stranger',
  };
});

describe('on the emulator', () => {
  let cloud: Cloud;
  let emulator: EC2Client;
  let instanceIds: string[];
  beforeAll(async () => {
    cloud = await startCloud();
    emulator = createClient(EC2Client, cloud.options);
    const run = new RunInstancesCommand({ ImageId: 'ami-1', InstanceType: 't3.micro', MinCount: 4, MaxCount: 4 });
    instanceIds = (await emulator.send(run)).Instances?.map(({ InstanceId }) => String(InstanceId)) ?? [];
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  const addressOf = async (allocationId: string) => {
    const answer = await emulator.send(new DescribeAddressesCommand({ AllocationIds: [allocationId] }));
    return answer.Addresses?.[0];
  };

  async function steal(allocationId: string, instanceId: string | null): Promise<void> {
    if (instanceId)
      await emulator.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: instanceId }));
    const AssociationId = (await addressOf(allocationId))?.AssociationId;
    if (!instanceId && AssociationId) await emulator.send(new DisassociateAddressCommand({ AssociationId }));
  }

  vipContract('EC2', async () => {
    const script = createFaultScript();
    const ec2 = createClient(EC2Client, cloud.options);
    enforceEc2Rules(ec2, cloud.options);
    injectFaults(ec2, script);
    const allocated = await emulator.send(new AllocateAddressCommand({ Domain: 'vpc' }));
    const allocationId = String(allocated.AllocationId);
    const nodes = ['db1', 'db2', 'db3'].map((name, index) => aNode(name, { instanceId: String(instanceIds[index]) }));
    return {
      vip: createEipVip(ec2, { clock: hastyClock(), readBackMs: 2000, pollMs: 100 }),
      config: aConfig('shop', { nodes, vip: { kind: 'eip', allocationId, host: '203.0.113.10', port: 5432 } }),
      script,
      steal: (instanceId) => steal(allocationId, instanceId),
      target: async () => (await addressOf(allocationId))?.InstanceId ?? null,
      stranger: String(instanceIds[3]),
    };
  });
});
