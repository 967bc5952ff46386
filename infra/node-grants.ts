// What the instance of one node may do: the agent's calls to the table and the event bus, and what Systems Manager needs to
// deliver a command. Never another cluster's items or name, and never a write of configuration or policy: a node that is taken over by
// somebody can harm its own cluster only.

import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ClusterConfig } from '../core/model';
import { eventSource } from '../core/triggers';
import { inNameOf, inPartitions, type Places, throughTable } from './grants';

const allow = (actions: string[], resources: string[]) => new PolicyStatement({ actions, resources });

/** Lease, reports and journal of this cluster, its configuration to read, and events in its name. */
export function agentStatements(places: Places, cluster: ClusterConfig): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'],
      resources: [places.tableArn],
      conditions: inPartitions(`CLUSTER#${cluster.name}`),
    }),
    new PolicyStatement({
      actions: ['dynamodb:GetItem'],
      resources: [places.tableArn],
      conditions: inPartitions(`CONFIG#${cluster.name}`),
    }),
    new PolicyStatement({
      actions: ['events:PutEvents'],
      resources: [places.busArn],
      conditions: inNameOf(eventSource(cluster.name)),
    }),
    ...(places.keyArn === undefined ? [] : [throughTable(places.keyArn)]),
  ];
}

/**
 * Run Command and State Manager, without the parameters, packages and inventory of AmazonSSMManagedInstanceCore: that policy lets
 * an instance read every parameter of the account.
 */
export function systemsManagerStatements(places: Places, cluster: ClusterConfig): PolicyStatement[] {
  const instances = cluster.nodes.map(({ instanceId }) => places.arn('ec2', `instance/${instanceId}`));
  const documents = places.arn('ssm', `document/${places.name}-*`);
  const associations = places.arn('ssm', 'association/*');
  return [
    allow(['ssm:UpdateInstanceInformation', 'ssm:ListInstanceAssociations', 'ssm:PutComplianceItems'], instances),
    allow(
      ['ssm:DescribeAssociation', 'ssm:UpdateAssociationStatus', 'ssm:UpdateInstanceAssociationStatus'],
      [...instances, associations, documents],
    ),
    allow(['ssm:GetDocument', 'ssm:DescribeDocument'], [documents]),
    // The channels by which commands arrive; neither they nor the list of associations know resources.
    allow(
      [
        'ssm:ListAssociations',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
        'ec2messages:AcknowledgeMessage',
        'ec2messages:DeleteMessage',
        'ec2messages:FailMessage',
        'ec2messages:GetEndpoint',
        'ec2messages:GetMessages',
        'ec2messages:SendReply',
      ],
      ['*'],
    ),
  ];
}
