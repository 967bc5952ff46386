// A control plane and three clusters with every option on: what cdk-nag, docs/iam.md and the tests look at. One cluster's
// instances are made by the app, the other's exist already.

import { type App, Fn, Stack } from 'aws-cdk-lib';
import { CfnEIP, CfnInstance, MachineImage } from 'aws-cdk-lib/aws-ec2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ClusterInput, ControlPlane, ProtectedCluster } from '..';

export function everyOption(app: App, functionDirs: Record<string, string>): Stack {
  const stack = new Stack(app, 'mainstay', { env: { region: 'eu-central-1' } });
  const controlPlane = new ControlPlane(stack, 'ControlPlane', {
    functionDirs,
    logRetention: RetentionDays.ONE_YEAR,
    encryptionKey: Key.fromKeyArn(
      stack,
      'Key',
      stack.formatArn({ service: 'kms', resource: 'key', resourceName: '0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f' }),
    ),
    deletionProtection: true,
    watching: {
      emails: ['ops@example.com'],
      webhooks: [
        { name: 'chat', url: { secret: 'mainstay/chat', field: 'url' } },
        { name: 'pager', url: 'https://pager.example.com/v2/enqueue', key: { secret: 'mainstay/pager' }, perSecond: 5 },
      ],
    },
  });
  new ProtectedCluster(stack, 'Alpha', {
    controlPlane,
    nodeRoles: [Role.fromRoleName(stack, 'NodeRole', 'alpha-node')],
    cluster: alpha,
  });
  const instances = [0, 1].map((index) => betaInstance(stack, index));
  const address = new CfnEIP(stack, 'BetaAddress');
  new ProtectedCluster(stack, 'Beta', {
    controlPlane,
    resources: [...instances, address],
    systemsManager: false,
    cluster: {
      name: 'beta',
      engine: 'postgres',
      nodes: instances.map((instance, index) => ({
        name: `db${index + 1}`,
        instanceId: instance.attrInstanceId,
        zone: instance.attrAvailabilityZone,
        host: instance.attrPrivateIp,
      })),
      vip: { kind: 'eip', allocationId: address.attrAllocationId, host: address.attrPublicIp },
    },
  });
  new ProtectedCluster(stack, 'Gamma', { controlPlane, cluster: gamma });
  return stack;
}

export const alpha: ClusterInput = {
  name: 'alpha',
  engine: 'postgres',
  nodes: [
    { name: 'db1', instanceId: 'i-0a1b2c3d4e5f60001', zone: 'eu-central-1a', host: '10.0.1.11', priority: 200 },
    { name: 'db2', instanceId: 'i-0a1b2c3d4e5f60002', zone: 'eu-central-1b', host: '10.0.2.11' },
    { name: 'db3', instanceId: 'i-0a1b2c3d4e5f60003', zone: 'eu-central-1c', host: '10.0.3.11', port: 5433 },
  ],
  vip: { kind: 'eip', allocationId: 'eipalloc-0a1b2c3d4e5f60001', host: '203.0.113.10', port: 6432 },
  timings: { preset: 'tight' },
  fence: ['demote-ack', 'power-off'],
  maxLagBytes: 1024 * 1024,
  maxReplayLagMs: 30_000,
  onStoreLoss: 'failsafe',
  replication: { mode: 'strict', backups: 2 },
  consumers: [{ name: 'reports', instanceId: 'i-0a1b2c3d4e5f60009', document: 'redirect-reports' }],
};

/** A name in a private zone as the VIP. */
export const gamma: ClusterInput = {
  name: 'gamma',
  engine: 'postgres',
  nodes: [
    { name: 'db1', instanceId: 'i-0a1b2c3d4e5f60011', zone: 'eu-central-1a', host: '10.0.1.12' },
    { name: 'db2', instanceId: 'i-0a1b2c3d4e5f60012', zone: 'eu-central-1b', host: '10.0.2.12' },
  ],
  vip: { kind: 'route53', hostedZoneId: 'Z0123456789ABCDEFGHIJ', name: 'gamma.db.example.com', private: true },
};

/** Nothing here belongs to Mainstay; `disableApiStop` would make power-off impossible. */
const betaInstance = (stack: Stack, index: number): CfnInstance =>
  new CfnInstance(stack, `Beta${index + 1}`, {
    availabilityZone: Fn.select(index, Fn.getAzs()),
    imageId: MachineImage.latestAmazonLinux2023().getImage(stack).imageId,
    monitoring: true,
    disableApiTermination: true,
    blockDeviceMappings: [{ deviceName: '/dev/xvda', ebs: { encrypted: true } }],
  });
