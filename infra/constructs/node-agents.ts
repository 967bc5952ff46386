// The agents of one cluster, installed, configured and upgraded by State Manager: an association that runs the install document on the
// cluster's instances, one after the other, at its creation, at each new release and twice an hour. Must never upgrade two nodes at a
// time, and never puts a secret on a node: what it is given stands in the template.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnAssociation, CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { ClusterConfig } from '../../core/model';
import { bundlePrograms } from '../bundle';
import { installDocument, installDocumentNameOf } from '../documents';

export interface NodeAgentsProps {
  /** Name of the control plane: the table, and the beginning of the document's name. */
  controlPlane: string;
  cluster: Pick<ClusterConfig, 'name' | 'nodes'>;
  /** More of each node's agent.json; what a node has of its own stays. */
  settings: Record<string, unknown>;
  /**
   * The agent as one file.
   * @default bundled with esbuild into build/
   */
  bundle?: string;
}

/** Once per control plane. Untagged, so that no function may send it: what it installs runs as root. */
export const installAgentDocument = (scope: Construct, controlPlane: string): CfnDocument =>
  new CfnDocument(scope, 'InstallAgentDocument', {
    name: installDocumentNameOf(controlPlane),
    documentType: 'Command',
    updateMethod: 'NewVersion',
    content: installDocument,
  });

export class NodeAgents extends Construct {
  readonly association: CfnAssociation;
  /** What a node's role needs for it beside what Systems Manager needs. */
  readonly nodeStatements: PolicyStatement[];

  constructor(scope: Construct, id: string, props: NodeAgentsProps) {
    super(scope, id);
    const { controlPlane, cluster, settings, bundle = builtAgent() } = props;
    const asset = new Asset(this, 'Bundle', { path: bundle });
    this.nodeStatements = [
      new PolicyStatement({ actions: ['s3:GetObject'], resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)] }),
    ];
    this.association = new CfnAssociation(this, 'Association', {
      name: installDocumentNameOf(controlPlane),
      associationName: `${controlPlane}-${cluster.name}-agents`,
      targets: [{ key: 'InstanceIds', values: cluster.nodes.map(({ instanceId }) => instanceId) }],
      // What a person changed on a node, and a node that was away, are put in order by the clock.
      scheduleExpression: 'rate(30 minutes)',
      // One node after the other; a node that is off must not keep the others from their upgrade, a second failure ends it.
      maxConcurrency: '1',
      maxErrors: '1',
      complianceSeverity: 'HIGH',
      parameters: Object.fromEntries(
        Object.entries({
          cluster: cluster.name,
          table: controlPlane,
          region: Stack.of(this).region,
          source: asset.s3ObjectUrl,
          sha256: createHash('sha256').update(readFileSync(bundle)).digest('hex'),
          nodes: cluster.nodes.map(({ name, instanceId }) => `${instanceId}=${name}`).join(','),
          settings: Buffer.from(JSON.stringify(settings)).toString('base64'),
        }).map(([name, value]) => [name, [value]]),
      ),
    });
  }
}

function builtAgent(): string {
  const build = join(__dirname, '..', '..', 'build');
  bundlePrograms(build);
  return join(build, 'mainstay-agent.js');
}
