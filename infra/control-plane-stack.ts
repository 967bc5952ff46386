// The stack that `npx cdk deploy` makes of mainstay.config.ts: one control plane, named after the stack, and its clusters.
// Whoever has a CDK app already uses the constructs instead (infra/constructs).

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { MainstayConfig } from './config';
import { ControlPlane, type ControlPlaneProps } from './constructs/control-plane';
import { ProtectedCluster } from './constructs/protected-cluster';

export interface ControlPlaneStackProps extends StackProps, Omit<ControlPlaneProps, 'name'> {
  readonly config: MainstayConfig;
}

export class ControlPlaneStack extends Stack {
  readonly controlPlane: ControlPlane;

  constructor(scope: Construct, id: string, props: ControlPlaneStackProps) {
    super(scope, id, props);
    this.controlPlane = new ControlPlane(this, 'ControlPlane', props);
    for (const cluster of props.config.clusters)
      new ProtectedCluster(this, `Cluster-${cluster.name}`, { controlPlane: this.controlPlane, cluster });
    new CfnOutput(this, 'TableName', { value: this.controlPlane.table.tableName });
    for (const [kind, { attrArn }] of Object.entries(this.controlPlane.stateMachines.byKind))
      new CfnOutput(this, `${kind}Arn`, { value: attrArn });
  }
}
