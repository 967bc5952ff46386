// What cdk-nag finds and we mean: every finding that stays, by id, with its reason, on the one role or policy that has it. A
// wildcard that is not in this table stays an open finding (npm run nag). A wildcard in an action is never acknowledged.

import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Places, Right } from './grants';
import { rights } from './grants';

/** Actions that know no resources in the Service Authorization Reference, and who needs them. Nothing else may have '*'. */
export const withoutResources: Record<string, string> = {
  'ec2:DescribeAddresses': 'Describe actions of EC2 know no resources; reads where the VIP is',
  'ec2:DescribeInstances': 'Describe actions of EC2 know no resources; reads whether an instance is stopped',
  'ssm:GetCommandInvocation': 'knows no resources; reads how a redirect has ended',
  'xray:PutTraceSegments': 'X-Ray knows no resources here',
  'xray:PutTelemetryRecords': 'X-Ray knows no resources here',
  'xray:GetSamplingRules': 'X-Ray knows no resources here',
  'xray:GetSamplingTargets': 'X-Ray knows no resources here',
  'logs:CreateLogDelivery': 'deliveries know no resources; Step Functions makes one for its log group',
  'logs:GetLogDelivery': 'as above',
  'logs:UpdateLogDelivery': 'as above',
  'logs:DeleteLogDelivery': 'as above',
  'logs:ListLogDeliveries': 'as above',
  'logs:PutResourcePolicy': 'as above',
  'logs:DescribeResourcePolicies': 'as above',
  'logs:DescribeLogGroups': 'as above',
  'ssm:ListAssociations': 'knows no resources; the SSM agent asks what it is to do',
  'ssmmessages:CreateControlChannel': 'the SSM agent has its own channel; it knows no resources',
  'ssmmessages:CreateDataChannel': 'as above',
  'ssmmessages:OpenControlChannel': 'as above',
  'ssmmessages:OpenDataChannel': 'as above',
  'ec2messages:AcknowledgeMessage': 'the older channel of the SSM agent; it knows no resources',
  'ec2messages:DeleteMessage': 'as above',
  'ec2messages:FailMessage': 'as above',
  'ec2messages:GetEndpoint': 'as above',
  'ec2messages:GetMessages': 'as above',
  'ec2messages:SendReply': 'as above',
};

interface Acknowledgement {
  /** The resource with the wildcard, as the finding names it. */
  resource: (places: Places) => string | string[];
  /** Functions with any of these rights, or one of the other holders. */
  on: readonly Right[] | 'every function' | 'state machines' | 'nodes';
  reason: string;
}

const here = (service: string, resource: string) =>
  `arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>:${resource}`;
const byTag = 'the condition demands the tag of this control plane; ids would grow with the fleet';

const wildcards: readonly Acknowledgement[] = [
  {
    on: 'every function',
    resource: () => '*',
    reason: 'only actions that know no resources: withoutResources lists them',
  },
  {
    on: 'state machines',
    resource: () => '*',
    reason: 'only actions that know no resources: withoutResources lists them',
  },
  { on: 'nodes', resource: () => '*', reason: 'only actions that know no resources: withoutResources lists them' },
  {
    on: ['poke', 'redirect', 'stop-engine', 'cut-power', 'start-power', 'move-vip'],
    resource: () => here('ec2', 'instance/*'),
    reason: byTag,
  },
  { on: ['take-vip', 'move-vip'], resource: () => here('ec2', 'elastic-ip/*'), reason: byTag },
  { on: ['take-vip', 'move-vip'], resource: () => here('ec2', 'network-interface/*'), reason: byTag },
  { on: ['redirect'], resource: () => here('ssm', 'document/*'), reason: byTag },
  {
    on: ['see-spread'],
    resource: () => 'arn:<AWS::Partition>:route53:::change/*',
    reason: 'the id of a change is not known before it is made; only its state can be read',
  },
  {
    on: ['executions', 'operate', 'hold-drills'],
    resource: ({ kinds, name }) => kinds.map((kind) => here('states', `execution:${name}-${kind}:*`)),
    reason: 'executions of this control plane, whose names are made at run time; only their state can be read',
  },
  {
    on: 'nodes',
    resource: ({ name }) => here('ssm', `document/${name}-*`),
    reason: 'the documents of this control plane; more may come',
  },
  {
    on: 'nodes',
    resource: () => here('ssm', 'association/*'),
    reason: 'the id of an association is made at deployment; the instances are named',
  },
];

function acknowledge(construct: IConstruct, places: Places, applies: (row: Acknowledgement) => boolean): void {
  for (const row of wildcards.filter(applies))
    for (const resource of [row.resource(places)].flat())
      Validations.of(construct).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason: row.reason });
}

export const acknowledgeFunction = (role: IConstruct, name: string, places: Places): void =>
  acknowledge(
    role,
    places,
    ({ on }) => on === 'every function' || (Array.isArray(on) && on.some((right) => rights[name]?.includes(right))),
  );
export const acknowledgeStateMachine = (role: IConstruct, places: Places): void =>
  acknowledge(role, places, ({ on }) => on === 'state machines');
export const acknowledgeNodes = (policy: IConstruct, places: Places): void =>
  acknowledge(policy, places, ({ on }) => on === 'nodes');
