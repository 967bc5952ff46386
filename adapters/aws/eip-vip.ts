// An Elastic IP as the VIP: the three calls to EC2 under the algorithm of adapters/address-vip.ts. Port: Vip.
// Must never associate with re-association allowed: EC2 then refuses an address that somebody else was given meanwhile,
// which is the nearest to a compare-and-swap that it offers (T43, T48).

import {
  type Address,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  type DescribeAddressesCommandInput,
  DisassociateAddressCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import type { Outside, Vip } from '../../core/ports';
import { fail, ok } from '../../core/result';
import {
  type Addresses,
  type AddressTarget,
  type Association,
  createVip,
  unknownAddress,
  type VipOptions,
} from '../address-vip';
import { asked } from './outside';

const noSuchAddress = 'InvalidAllocationID.NotFound';
/** A filter takes so many values (EC2's own limit). */
const filterValues = 200;

function associationOf({ AssociationId, InstanceId, NetworkInterfaceId }: Address): Association | null {
  if (!AssociationId) return null;
  return {
    associationId: AssociationId,
    instanceId: InstanceId || null,
    networkInterfaceId: NetworkInterfaceId || null,
  };
}

async function addresses(ec2: EC2Client, input: DescribeAddressesCommandInput): Outside<Address[]> {
  const command = new DescribeAddressesCommand(input);
  const answer = await asked('ec2:DescribeAddresses', () => ec2.send(command));
  return answer.ok ? ok(answer.value.Addresses ?? []) : answer;
}

async function describe(ec2: EC2Client, allocationId: string): Outside<Association | null> {
  const found = await addresses(ec2, { AllocationIds: [allocationId] });
  if (!found.ok) return found.error.details?.error === noSuchAddress ? fail(unknownAddress(allocationId)) : found;
  const address = found.value[0];
  return address ? ok(associationOf(address)) : fail(unknownAddress(allocationId));
}

/** By filter, not by id: one unknown id fails a whole call by ids, and one cluster's mistake must not blind the others. */
async function describeMany(
  ec2: EC2Client,
  allocationIds: readonly string[],
): Outside<Map<string, Association | null>> {
  const seen = new Map<string, Association | null>();
  for (let from = 0; from < allocationIds.length; from += filterValues) {
    const Values = allocationIds.slice(from, from + filterValues);
    const found = await addresses(ec2, { Filters: [{ Name: 'allocation-id', Values }] });
    if (!found.ok) return found;
    for (const address of found.value) seen.set(address.AllocationId ?? '', associationOf(address));
  }
  return ok(seen);
}

async function associate(ec2: EC2Client, allocationId: string, target: AddressTarget): Outside<void> {
  const { instanceId, networkInterfaceId } = target;
  const command = new AssociateAddressCommand({
    AllocationId: allocationId,
    ...(networkInterfaceId ? { NetworkInterfaceId: networkInterfaceId } : { InstanceId: instanceId }),
    AllowReassociation: false,
  });
  const refusals = ['Resource.AlreadyAssociated', 'InvalidIPAddress.InUse', 'IncorrectInstanceState', 'IncorrectState'];
  const answer = await asked('ec2:AssociateAddress', () => ec2.send(command), refusals);
  return answer.ok ? ok(undefined) : answer;
}

async function disassociate(ec2: EC2Client, associationId: string): Outside<void> {
  const gone = 'InvalidAssociationID.NotFound';
  const command = new DisassociateAddressCommand({ AssociationId: associationId });
  const answer = await asked('ec2:DisassociateAddress', () => ec2.send(command), [gone]);
  return answer.ok || answer.error.details?.error === gone ? ok(undefined) : answer;
}

export const createEc2Addresses = (ec2: EC2Client): Addresses => ({
  describe: (allocationId) => describe(ec2, allocationId),
  describeMany: (allocationIds) => describeMany(ec2, allocationIds),
  associate: (allocationId, target) => associate(ec2, allocationId, target),
  disassociate: (associationId) => disassociate(ec2, associationId),
});

export const createEipVip = (ec2: EC2Client, options: VipOptions): Vip => createVip(createEc2Addresses(ec2), options);
