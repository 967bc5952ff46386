// One cluster under a control plane: its configuration is validated at synth and written into the table at deployment, and
// its nodes get what they need to do. May stand in another stack than the control plane. Must never touch a lease: a cluster
// that is taken out of the app keeps it, because its nodes may still be running.

import { Annotations, CfnOutput, CustomResource, Duration, Stack, Tags } from 'aws-cdk-lib';
import { type IRole, ManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import type { ClusterConfig } from '../../core/model';
import { acknowledgeNodes } from '../acknowledgements';
import { type ClusterInput, parseCluster, warningsOf } from '../config';
import { agentStatements, systemsManagerStatements } from '../node-grants';
import { type ControlPlane, controlPlaneTag } from './control-plane';
import { parsedWithTokens } from './tokens';
import { allowVipZone } from './vip-zone';
import type { ClusterWatchingProps } from './watching';

export interface ProtectedClusterProps {
  /** The control plane that looks after this cluster. */
  readonly controlPlane: ControlPlane;
  /**
   * The cluster as in mainstay.config.ts; fields, defaults and faults are in docs/configuration.md. `instanceId` and
   * `allocationId` may be references to resources of the app.
   */
  readonly cluster: ClusterInput;
  /**
   * Roles of the nodes' instances: they are given `nodePolicy`.
   * @default none; attach the policy whose ARN is an output
   */
  readonly nodeRoles?: readonly IRole[];
  /**
   * Resources of the app that the cluster consists of (instances, Elastic IP addresses, network interfaces): they are given the
   * tag without which the functions may not touch them.
   * @default none; tag them as docs/configuration.md says
   */
  readonly resources?: readonly IConstruct[];
  /**
   * `nodePolicy` also holds what Run Command and State Manager need on the instances.
   * @default true; false where the roles have AmazonSSMManagedInstanceCore anyway
   */
  readonly systemsManager?: boolean;
  /** Its alarms and its dashboard. */
  readonly watching?: ClusterWatchingProps;
}

export class ProtectedCluster extends Construct {
  /** The configuration with its defaults. */
  readonly config: ClusterConfig;
  readonly controlPlane: ControlPlane;
  /** What the nodes of this cluster may do. */
  readonly nodePolicy: ManagedPolicy;

  /** Throws ConfigFaulty with every fault of the configuration and its path. */
  constructor(scope: Construct, id: string, props: ProtectedClusterProps) {
    super(scope, id);
    this.controlPlane = props.controlPlane;
    this.config = parsedWithTokens(props.cluster, (cluster) => parseCluster(cluster, `cluster ${props.cluster.name}`));
    this.controlPlane.register(this.config.name);
    for (const resource of props.resources ?? []) Tags.of(resource).add(controlPlaneTag, this.controlPlane.name);
    this.nodePolicy = this.policy(props);
    const { vip } = this.config;
    if (vip.kind === 'route53') allowVipZone(this.controlPlane, vip.hostedZoneId);
    for (const warning of warningsOf(this.config)) Annotations.of(this).addWarningV2('mainstay:unwise', warning);
    this.configuration();
    this.controlPlane.watching.watchCluster(this, this.config, props.watching ?? {});
  }

  /** Something else that the nodes need, such as reading a file of the agent's. */
  allowNodes(...statements: PolicyStatement[]): void {
    this.nodePolicy.addStatements(...statements);
  }

  /** The policy's name is made by CloudFormation: IAM knows no Regions, and a control plane may have a namesake in another one. */
  private policy({ nodeRoles = [], systemsManager = true }: ProtectedClusterProps): ManagedPolicy {
    const { places } = this.controlPlane;
    const policy = new ManagedPolicy(this, 'NodePolicy', {
      description: `Mainstay: a node of ${this.config.name}`,
      roles: [...nodeRoles],
      statements: [
        ...agentStatements(places, this.config),
        ...(systemsManager ? systemsManagerStatements(places, this.config) : []),
      ],
    });
    if (systemsManager) acknowledgeNodes(policy, places);
    new CfnOutput(this, 'NodePolicyArn', { value: policy.managedPolicyArn });
    return policy;
  }

  /** One custom resource per cluster: a fleet in one property would exceed what CloudFormation hands to a function. */
  private configuration(): void {
    new CustomResource(this, 'Configuration', {
      resourceType: 'Custom::MainstayCluster',
      serviceToken: this.controlPlane.functionOf('configure').functionArn,
      serviceTimeout: Duration.minutes(2),
      // `stored` grows with what is written beside the configuration: a deployment then writes it all anew.
      properties: { cluster: Stack.of(this).toJsonString(this.config), stored: 2 },
    });
  }
}
