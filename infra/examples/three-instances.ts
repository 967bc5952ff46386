// An app of one's own for three instances that run already: a control plane, and one cluster in a stack beside it.
// `npx cdk synth --app "npx tsx infra/examples/three-instances.ts"` needs no account.

import { App, Stack } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ControlPlane, type ControlPlaneProps, ProtectedCluster } from '..';

/** Instances, address and role exist; they carry the tag mainstay:control-plane = mainstay (docs/configuration.md). */
export function threeInstances(app: App, props: ControlPlaneProps = {}): { platform: Stack; orders: Stack } {
  const platform = new Stack(app, 'mainstay');
  const controlPlane = new ControlPlane(platform, 'ControlPlane', { logRetention: RetentionDays.ONE_YEAR, ...props });

  const orders = new Stack(app, 'orders-database');
  new ProtectedCluster(orders, 'Orders', {
    controlPlane,
    nodeRoles: [Role.fromRoleName(orders, 'NodeRole', 'orders-database-node')],
    cluster: {
      name: 'orders',
      engine: 'postgres',
      nodes: [
        { name: 'db1', instanceId: 'i-0a1b2c3d4e5f60001', zone: 'eu-central-1a', host: '10.0.1.11' },
        { name: 'db2', instanceId: 'i-0a1b2c3d4e5f60002', zone: 'eu-central-1b', host: '10.0.2.11' },
        { name: 'db3', instanceId: 'i-0a1b2c3d4e5f60003', zone: 'eu-central-1c', host: '10.0.3.11' },
      ],
      vip: { kind: 'eip', allocationId: 'eipalloc-0a1b2c3d4e5f60001', host: '203.0.113.10' },
      replication: { mode: 'sync' },
      timings: { preset: 'tight' },
    },
  });
  return { platform, orders };
}

if (require.main === module) {
  const app = new App();
  threeInstances(app);
  app.synth();
}
