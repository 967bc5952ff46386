// One cluster under a control plane: its configuration is validated at synth and written into the table at deployment. May
// stand in another stack than the control plane. Must never touch a lease: a cluster that is taken out of the app keeps it,
// because its nodes may still be running.

import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { ClusterConfig } from '../../core/model';
import { type ClusterInput, parseCluster } from '../config';
import type { ControlPlane } from './control-plane';

export interface ProtectedClusterProps {
  /** The control plane that looks after this cluster. */
  readonly controlPlane: ControlPlane;
  /** The cluster as in mainstay.config.ts; fields, defaults and faults are in docs/configuration.md. */
  readonly cluster: ClusterInput;
}

export class ProtectedCluster extends Construct {
  /** The configuration with its defaults. */
  readonly config: ClusterConfig;
  readonly controlPlane: ControlPlane;

  /** Throws ConfigFaulty with every fault of the configuration and its path. */
  constructor(scope: Construct, id: string, props: ProtectedClusterProps) {
    super(scope, id);
    this.controlPlane = props.controlPlane;
    this.config = parseCluster(props.cluster, `cluster ${props.cluster.name}`);
    this.controlPlane.register(this.config.name);
    this.configuration();
  }

  /** One custom resource per cluster: a fleet in one property would exceed what CloudFormation hands to a function. */
  private configuration(): void {
    new CustomResource(this, 'Configuration', {
      resourceType: 'Custom::MainstayCluster',
      serviceToken: this.controlPlane.functionOf('configure').functionArn,
      serviceTimeout: Duration.minutes(2),
      properties: { cluster: JSON.stringify(this.config) },
    });
  }
}
