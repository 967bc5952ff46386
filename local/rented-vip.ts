// The VIP of a local stack, in the emulated account: an Elastic IP address, or a record in a hosted zone. Clients reach both at the
// backend's own address; of a record they see what a client sees that asks anew for every connection, without any cache.

import { AllocateAddressCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { VipConfig } from '../core/model';
import type { ClusterInput } from '../infra/config';
import type { Backend } from './backend';

const zoneName = 'example.internal';

/** `account`: where the emulated account's clients connect. */
export async function rentVip(
  kind: VipConfig['kind'],
  account: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } },
  backend: Pick<Backend, 'kind' | 'vip'>,
): Promise<ClusterInput['vip']> {
  if (kind === 'eip') {
    const { AllocationId = '' } = await new EC2Client(account).send(new AllocateAddressCommand({ Domain: 'vpc' }));
    return { kind, allocationId: AllocationId, ...backend.vip };
  }
  if (backend.kind !== 'process')
    throw new Error('a VIP in Route 53 needs the process backend: its relay follows the record');
  const command = new CreateHostedZoneCommand({ Name: zoneName, CallerReference: 'mainstay' });
  const { HostedZone } = await new Route53Client(account).send(command);
  const hostedZoneId = HostedZone?.Id?.split('/').at(-1) ?? '';
  return { kind, hostedZoneId, name: `db.${zoneName}`, ...backend.vip };
}

/** The nodes share one host here, and a record tells them apart by their addresses. */
export const vipAddressOf = (kind: VipConfig['kind'], index: number): { vipAddress?: string } =>
  kind === 'route53' ? { vipAddress: `127.0.0.${11 + index}` } : {};
