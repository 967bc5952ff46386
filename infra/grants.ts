// What each function may do: one row per step, and nothing that is not in its row. Resources are as narrow as the action
// allows; EC2's Describe calls know no resources. Never lists clusters: a fleet has a thousand, a policy 10,240 characters.

import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { eventSource } from '../core/triggers';
import { neededInAMoment } from '../workflows/plans';

export interface Places {
  /** Of the control plane. */
  name: string;
  /** Tag of everything that the functions may touch outside the stack; its value is `name`. */
  tag: string;
  tableName: string;
  tableArn: string;
  /** The customer's key of the table, if there is one. */
  keyArn?: string;
  /** Kinds of operations: one state machine each. */
  kinds: readonly string[];
  stateMachineArns: string[];
  failoverArn: string;
  switchoverArn: string;
  /** Queue of the dead letters. */
  undeliveredArn: string;
  settleArn: string;
  failbackArn: string;
  executionArns: string[];
  pokeDocumentArn: string;
  busArn: string;
  /** `arn:partition:service:region:account:resource` of this stack's account. */
  arn: (service: string, resource: string) => string;
}

// biome-ignore format: the grants stay visible as a table
export const rights: Record<string, readonly Right[]> = {
  abort: ['store'],
  adopt: ['store'],
  api: ['store', 'reports', 'operate', 'set-policy', 'see-brake'],
  'ask-operator': ['store', 'reports', 'see-power', 'stop-engine', 'publish', 'wake', 'fleet'],
  barrier: ['store', 'reports'],
  'begin-failback': ['store', 'executions', 'poke'],
  'begin-recover': ['store', 'executions', 'poke'],
  'begin-settle': ['store', 'executions', 'poke'],
  'begin-switchover': ['store', 'executions', 'poke'],
  change: ['start-change'],
  'check-failback': ['store', 'reports', 'executions'],
  'check-recover': ['store', 'reports'],
  'check-settle': ['store', 'executions', 'see-vip', 'fleet'],
  'choose-after-fence': ['store', 'reports'],
  'choose-for-switchover': ['store', 'reports'],
  claim: ['store', 'executions', 'poke'],
  configure: ['configure'],
  confirm: ['store', 'reports', 'see-spread', 'fleet'],
  dispatch: ['store', 'find-cluster', 'publish', 'start-failover', 'start-switchover', 'wake', 'undelivered'],
  drain: ['store', 'reports'],
  end: ['store', 'publish'],
  fence: ['store', 'reports', 'cut-power', 'publish', 'fleet'],
  grant: ['store'],
  heartbeats: ['look', 'reports', 'undelivered'],
  'move-vip': ['store', 'move-vip', 'fleet'],
  page: ['store', 'publish'],
  'power-on': ['store', 'reports', 'start-power', 'fleet'],
  preflight: ['store', 'reports', 'executions'],
  promote: ['store'],
  reconfigure: ['store', 'reports'],
  rejoin: ['store', 'reports'],
  release: ['store'],
  reopen: ['store', 'reports'],
  restart: ['store', 'redirect'],
  rounds: ['store', 'reports', 'see-brake', 'hold-drills', 'publish', 'undelivered'],
  'restore-vip': ['store', 'move-vip', 'fleet'],
  sweep: ['look', 'reports', 'executions', 'see-vip', 'see-power', 'start-settle', 'start-failback', 'wake', 'fleet', 'undelivered'],
  transfer: ['store'],
  verify: ['store', 'reports', 'executions', 'publish', 'fleet'],
  warm: ['warm-up', 'undelivered'],
  'withdraw-vip': ['store', 'take-vip', 'fleet'],
};

type Condition = Record<string, Record<string, unknown>>;

const allow = (actions: string[], resources: string[], conditions: Condition = {}) =>
  new PolicyStatement({ actions, resources, conditions });

/** Items are found by their partition; a condition on it is as narrow as DynamoDB's rights get. */
export const inPartitions = (...patterns: string[]): Condition => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns },
});

/** Events say who they come from, the control plane or the nodes of one cluster: rules and functions trust the source. */
export const inNameOf = (source: string): Condition => ({ 'ForAllValues:StringEquals': { 'events:source': [source] } });

/** Only what carries the control plane's tag: a list of ids would grow with the fleet, and a policy may not. */
const tagged = ({ tag, name }: Places): Condition => ({ StringEquals: { [`aws:ResourceTag/${tag}`]: name } });
/** Systems Manager's own key for the same. */
const taggedForSsm = ({ tag, name }: Places): Condition => ({ StringEquals: { [`ssm:resourceTag/${tag}`]: name } });

const clusters = 'CLUSTER#*';
/** Configuration and policy, which nodes only read. */
const configurations = 'CONFIG#*';
const fleet = 'FLEET';
/** Which cluster an instance belongs to. */
const instances = 'INSTANCE#*';
const ofFleet = 'FLEET#*';
/** For actions that know no resources; test/infra/iam.test.ts lists them. */
const any = ['*'];

const statements = {
  /** What every step does: lease and journal of a cluster, its configuration and policy as they are, and the names of all clusters. */
  store: ({ tableArn }) => [
    allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [tableArn], inPartitions(clusters)),
    allow(['dynamodb:GetItem'], [tableArn], inPartitions(configurations)),
    allow(['dynamodb:Query'], [tableArn], inPartitions(fleet)),
  ],
  reports: ({ tableArn }) => [allow(['dynamodb:Query'], [tableArn], inPartitions(clusters))],
  'find-cluster': ({ tableArn }) => [allow(['dynamodb:GetItem'], [tableArn], inPartitions(instances))],
  look: ({ tableArn }) => [
    allow(['dynamodb:GetItem'], [tableArn], inPartitions(clusters, configurations)),
    allow(['dynamodb:Query'], [tableArn], inPartitions(fleet)),
  ],
  /** DynamoDB has no narrower bound than the partition, in which the configuration is too. */
  'set-policy': ({ tableArn }) => [allow(['dynamodb:PutItem'], [tableArn], inPartitions(configurations))],
  configure: ({ tableArn }) => [
    allow(['dynamodb:PutItem'], [tableArn], inPartitions(configurations, fleet, instances)),
    allow(['dynamodb:Query'], [tableArn], inPartitions(fleet)),
    allow(['dynamodb:UpdateItem'], [tableArn], inPartitions(ofFleet)),
  ],
  /** The queue, the lines and the brake that all executions share (T66). */
  fleet: ({ tableArn }) => [
    allow(
      ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:Query'],
      [tableArn],
      inPartitions(ofFleet),
    ),
  ],
  'see-brake': ({ tableArn }) => [allow(['dynamodb:GetItem'], [tableArn], inPartitions(ofFleet))],
  /** With an event that each of them takes for what it is. */
  'warm-up': ({ arn, name }) => [
    allow(
      ['lambda:InvokeFunction'],
      neededInAMoment.map((fn) => arn('lambda', `function:${name}-${fn}`)),
    ),
  ],
  executions: ({ executionArns }) => [allow(['states:DescribeExecution'], executionArns)],
  poke: (places) => [
    allow(['ssm:SendCommand'], [places.pokeDocumentArn]),
    allow(['ssm:SendCommand'], [places.arn('ec2', 'instance/*')], taggedForSsm(places)),
  ],
  'stop-engine': (places) => [
    allow(['ssm:SendCommand'], [places.arn('ssm', `document/${places.name}-engine-stop`)]),
    allow(['ssm:SendCommand'], [places.arn('ec2', 'instance/*')], taggedForSsm(places)),
    allow(['ssm:GetCommandInvocation'], any),
  ],
  'see-power': () => [allow(['ec2:DescribeInstances'], any)],
  wake: ({ failoverArn }) => [allow(['states:SendTaskSuccess'], [failoverArn])],
  redirect: (places) => [
    allow(
      ['ssm:SendCommand'],
      [places.arn('ssm', 'document/*'), places.arn('ec2', 'instance/*')],
      taggedForSsm(places),
    ),
    allow(['ssm:GetCommandInvocation'], any),
  ],
  'see-vip': () => seeVip(),
  /** Whether a record is everywhere yet; an address needs none. */
  'see-spread': () => [],
  'take-vip': (places) => takeVip(places),
  'move-vip': (places) => [
    ...takeVip(places),
    allow(
      ['ec2:AssociateAddress'],
      ['elastic-ip/*', 'instance/*', 'network-interface/*'].map((resource) => places.arn('ec2', resource)),
      tagged(places),
    ),
  ],
  'cut-power': (places) => [
    allow(['ec2:DescribeInstances'], any),
    allow(['ec2:StopInstances'], [places.arn('ec2', 'instance/*')], tagged(places)),
  ],
  'start-power': (places) => [
    allow(['ec2:DescribeInstances'], any),
    allow(['ec2:StartInstances'], [places.arn('ec2', 'instance/*')], tagged(places)),
  ],
  /** For people: whatever they may start, and how it goes. */
  operate: ({ arn, name, executionArns }) => [
    allow(
      ['states:StartExecution'],
      ['switchover', 'failover', 'failback', 'recover'].map((kind) => arn('states', `stateMachine:${name}-${kind}`)),
    ),
    allow(['states:DescribeExecution'], executionArns),
  ],
  'start-change': ({ arn, name, failoverArn }) => [
    allow(['states:StartExecution'], [arn('states', `stateMachine:${name}-switchover`), failoverArn]),
  ],
  publish: ({ busArn }) => [allow(['events:PutEvents'], [busArn], inNameOf(eventSource()))],
  'hold-drills': ({ switchoverArn, executionArns }) => [
    allow(['states:StartExecution'], [switchoverArn]),
    allow(['states:DescribeExecution'], executionArns),
  ],
  'start-failover': ({ failoverArn }) => [allow(['states:StartExecution'], [failoverArn])],
  'start-switchover': ({ switchoverArn }) => [allow(['states:StartExecution'], [switchoverArn])],
  undelivered: ({ undeliveredArn }) => [allow(['sqs:SendMessage'], [undeliveredArn])],
  'start-failback': ({ failbackArn }) => [allow(['states:StartExecution'], [failbackArn])],
  'start-settle': ({ settleArn }) => [allow(['states:StartExecution'], [settleArn])],
} satisfies Record<string, (places: Places) => PolicyStatement[]>;

export type Right = keyof typeof statements;

/** These three have more where a zone holds VIPs (constructs/vip-zone.ts). */
const seeVip = (): PolicyStatement[] => [allow(['ec2:DescribeAddresses'], any)];

const takeVip = (places: Places): PolicyStatement[] => [
  ...seeVip(),
  allow(
    ['ec2:DisassociateAddress'],
    ['elastic-ip/*', 'network-interface/*'].map((resource) => places.arn('ec2', resource)),
    tagged(places),
  ),
];

/** With a key of the customer's, whoever reads or writes the table uses it, through DynamoDB only. */
export const throughTable = (keyArn: string): PolicyStatement =>
  allow(['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'], [keyArn], {
    StringEquals: { 'kms:ViaService': `dynamodb.${Aws.REGION}.amazonaws.com` },
  });

const usesTable = (row: readonly Right[]): boolean =>
  row.some((right) => ['store', 'reports', 'look', 'configure'].includes(right));

/** The statements of one function; a function without a row is a bug. */
export function grantsOf(name: string, places: Places): PolicyStatement[] {
  const row = rights[name];
  if (!row) throw new Error(`infra/grants.ts has no row for the function '${name}'`);
  const granted = row.flatMap((right) => statements[right](places));
  return places.keyArn !== undefined && usesTable(row) ? [...granted, throughTable(places.keyArn)] : granted;
}
