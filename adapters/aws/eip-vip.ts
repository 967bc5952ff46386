// An Elastic IP as the VIP: the three calls to EC2 under the algorithm of adapters/address-vip.ts. Port: Vip.
// Must never associate with re-association allowed: EC2 then refuses an address that somebody else was given meanwhile,
// which is the nearest to a compare-and-swap that it offers (T43, T48).

import {
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import type { Outside, Vip } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { type Addresses, type Association, createVip, type VipOptions } from '../address-vip';
import { broken } from '../problems';
import { asked } from './outside';

async function describe(ec2: EC2Client, allocationId: string): Outside<Association | null> {
  const command = new DescribeAddressesCommand({ AllocationIds: [allocationId] });
  const answer = await asked('ec2:DescribeAddresses', () => ec2.send(command));
  if (!answer.ok) return answer;
  const address = answer.value.Addresses?.[0];
  if (!address)
    return fail(broken(`there is no address ${allocationId}`, 'correct vip.allocationId in the configuration'));
  if (!address.AssociationId) return ok(null);
  return ok({
    associationId: address.AssociationId,
    instanceId: address.InstanceId || null,
    networkInterfaceId: address.NetworkInterfaceId || null,
  });
}

async function associate(ec2: EC2Client, allocationId: string, instanceId: string): Outside<void> {
  const command = new AssociateAddressCommand({
    AllocationId: allocationId,
    InstanceId: instanceId,
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
  associate: (allocationId, instanceId) => associate(ec2, allocationId, instanceId),
  disassociate: (associationId) => disassociate(ec2, associationId),
});

export const createEipVip = (ec2: EC2Client, options: VipOptions): Vip => createVip(createEc2Addresses(ec2), options);
