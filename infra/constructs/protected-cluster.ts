// One cluster under a control plane: its configuration is validated at synth and written into the table at deployment. May
// stand in another stack than the control plane. Must never touch a lease: a cluster that is taken out of the app keeps it,
// because its nodes may still be running.

import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { ClusterConfig } from '../../core/model';
import { type ClusterInput, parseCluster } from '../config';
import type { ControlPlane } from './control-plane';
import { NodeAgents } from './node-agents';

export interface ProtectedClusterProps {
  /** The control plane that looks after this cluster. */
  readonly controlPlane: ControlPlane;
  /** The cluster as in mainstay.config.ts; fields, defaults and faults are in docs/configuration.md. */
  readonly cluster: ClusterInput;
  /**
   * The agent as one file, for a cluster with `agent`.
   * @default bundled with esbuild into build/
   */
  readonly agentBundle?: string;
}

export class ProtectedCluster extends Construct {
  /** The configuration with its defaults. */
  readonly config: ClusterConfig;
  readonly controlPlane: ControlPlane;
  /** Null where the nodes' agents are installed by hand: the cluster has no `agent`. */
  readonly agents: NodeAgents | null;

  /** Throws ConfigFaulty with every fault of the configuration and its path. */
  constructor(scope: Construct, id: string, props: ProtectedClusterProps) {
    super(scope, id);
    this.controlPlane = props.controlPlane;
    this.config = parseCluster(props.cluster, `cluster ${props.cluster.name}`);
    this.controlPlane.register(this.config.name);
    const configuration = this.configuration();
    this.agents = props.cluster.agent ? this.installed(props, props.cluster.agent.settings ?? {}) : null;
    // An agent that finds no cluster in the table ends.
    this.agents?.association.node.addDependency(configuration, this.controlPlane.installDocument);
  }

  private installed({ agentBundle }: ProtectedClusterProps, settings: Record<string, unknown>): NodeAgents {
    return new NodeAgents(this, 'Agents', {
      controlPlane: this.controlPlane.name,
      cluster: this.config,
      settings,
      ...(agentBundle === undefined ? {} : { bundle: agentBundle }),
    });
  }

  /** One custom resource per cluster: a fleet in one property would exceed what CloudFormation hands to a function. */
  private configuration(): CustomResource {
    return new CustomResource(this, 'Configuration', {
      resourceType: 'Custom::MainstayCluster',
      serviceToken: this.controlPlane.functionOf('configure').functionArn,
      serviceTimeout: Duration.minutes(2),
      properties: { cluster: JSON.stringify(this.config) },
    });
  }
}
