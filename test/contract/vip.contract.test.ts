// Vip, Elastic IP: the same algorithm over memory and over EC2 as the emulator has it. The emulator does not enforce
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
import type { ClusterConfig, EipVipConfig } from '../../core/model';
import { ok } from '../../core/result';
import { type Cloud, cloudStartMs, startCloud, testOptions } from '../support/cloud';
import { enforceEc2Rules, interfacesOf } from '../support/ec2-rules';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { hastyClock } from '../support/hasty-clock';
import { aConfig, aLease, aNode, anAddress, value } from '../support/samples';
import { vipContract, type Whereabouts } from './suites/vip';
import { addressVipContract } from './suites/vip-address';

const calls = { reads: ['describe'], writes: ['disassociate', 'associate'] };
const stranger = 'i-0000000000000dead';

/** Node names for instance ids and back. */
const places = ({ nodes }: ClusterConfig, strangerId = stranger) => ({
  instance: (to: Whereabouts) =>
    to === 'stranger' ? strangerId : (nodes.find(({ name }) => name === to)?.instanceId ?? null),
  node: (id: string | null | undefined): Whereabouts =>
    id ? (nodes.find(({ instanceId }) => instanceId === id)?.name ?? 'stranger') : null,
});

const missing = (config: ClusterConfig): ClusterConfig => ({
  ...config,
  vip: { ...(config.vip as EipVipConfig), allocationId: 'eipalloc-00000000000000000' },
});

/** What the lease says; an address has no room for an epoch. */
function storedEpoch() {
  let epoch = 0;
  return {
    leases: { read: async () => ok(aLease('shop', { epoch })) },
    epochOf: async () => ok(epoch),
    reach: async (reached: number) => {
      epoch = reached;
    },
  };
}

async function inMemory() {
  const script = createFaultScript();
  const config = aConfig('shop');
  const allocationId = anAddress(config);
  const addresses = createMemoryAddresses({ allocationIds: [allocationId], faults: script });
  const { leases, reach } = storedEpoch();
  const { instance, node } = places(config);
  return {
    ...{ config, wrong: missing(config), script, calls, reach },
    vip: createMemoryVip(addresses, hastyClock(), leases),
    steal: async (to: Whereabouts) => addresses.steal(allocationId, instance(to)),
    target: async () => node(addresses.target(allocationId)),
  };
}

vipContract('memory', calls, inMemory);
addressVipContract('memory', inMemory);

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

  async function give(allocationId: string, instanceId: string | null): Promise<void> {
    if (instanceId)
      await emulator.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: instanceId }));
    const AssociationId = (await addressOf(allocationId))?.AssociationId;
    if (!instanceId && AssociationId) await emulator.send(new DisassociateAddressCommand({ AssociationId }));
  }

  async function overEc2() {
    const script = createFaultScript();
    const ec2 = createClient(EC2Client, cloud.options);
    enforceEc2Rules(ec2, cloud.options);
    injectFaults(ec2, script);
    const allocated = await emulator.send(new AllocateAddressCommand({ Domain: 'vpc' }));
    const allocationId = String(allocated.AllocationId);
    const nodes = ['db1', 'db2', 'db3'].map((name, index) => aNode(name, { instanceId: String(instanceIds[index]) }));
    const config = aConfig('shop', { nodes, vip: { kind: 'eip', allocationId, host: '203.0.113.10', port: 5432 } });
    const { epochOf, reach } = storedEpoch();
    const { instance, node } = places(config, String(instanceIds[3]));
    return {
      ...{ config, wrong: missing(config), script, calls, reach },
      vip: createEipVip(ec2, { clock: hastyClock(), readBackMs: 2000, pollMs: 100, epochOf }),
      steal: (to: Whereabouts) => give(allocationId, instance(to)),
      target: async () => node((await addressOf(allocationId))?.InstanceId),
    };
  }

  vipContract('EC2', calls, overEc2);
  addressVipContract('EC2', overEc2);
});

describe('instances with more than one network interface', () => {
  const nodes = ['db1', 'db2'].map((name) => aNode(name, { networkInterfaceId: `eni-${name}` }));
  const config = aConfig('shop', { nodes });

  it('are given the address at the interface that the configuration names', async () => {
    const ec2 = createClient(EC2Client, testOptions('http://127.0.0.1:1'));
    const requests = interfacesOf(ec2, nodes);
    const vip = createEipVip(ec2, { clock: hastyClock(), readBackMs: 0, pollMs: 1, epochOf: storedEpoch().epochOf });
    value(await vip.move(config, null, 'db1', 1));
    value(await vip.move(config, 'db1', 'db2', 1));
    expect(requests).toEqual([
      { AllocationId: anAddress(config), NetworkInterfaceId: 'eni-db1', AllowReassociation: false },
      { AllocationId: anAddress(config), NetworkInterfaceId: 'eni-db2', AllowReassociation: false },
    ]);
    expect(value(await vip.read(config))).toBe('db2');
  });

  it('an address at another interface of the node is foreign: clients would not reach the engine', async () => {
    const addresses = createMemoryAddresses({ allocationIds: [anAddress(config)] });
    const vip = createMemoryVip(addresses, hastyClock(), storedEpoch().leases);
    addresses.steal(anAddress(config), 'i-db1');
    expect(await vip.read(config)).toMatchObject({ ok: false, error: { code: 'Refused' } });
  });
});
