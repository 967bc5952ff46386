// What each function may do: one row per step, and nothing that is not in its row. Resources are as narrow as the action
// allows; EC2's Describe calls know no resources. Never lists clusters: a fleet has a thousand, a policy 10,240 characters.

import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

export interface Places {
  /** Of the control plane. */
  name: string;
  /** Tag of everything that the functions may touch outside the stack; its value is `name`. */
  tag: string;
  tableName: string;
  tableArn: string;
  stateMachineArns: string[];
  failoverArn: string;
  settleArn: string;
  executionArns: string[];
  pokeDocumentArn: string;
  busArn: string;
  /** `arn:partition:service:region:account:resource` of this stack's account. */
  arn: (service: string, resource: string) => string;
}

export type Right =
  | 'store'
  | 'look'
  | 'executions'
  | 'poke'
  | 'vip'
  | 'see-vip'
  | 'cut-power'
  | 'start-power'
  | 'redirect'
  | 'publish'
  | 'start-failover'
  | 'start-settle'
  | 'configure';

// biome-ignore format: the grants stay visible as a table
export const rights: Record<string, readonly Right[]> = {
  abort: ['store'],
  adopt: ['store'],
  barrier: ['store'],
  'begin-recover': ['store', 'executions', 'poke'],
  'begin-settle': ['store', 'executions', 'poke'],
  'begin-switchover': ['store', 'executions', 'poke'],
  'check-recover': ['store'],
  'check-settle': ['store', 'executions', 'see-vip'],
  'choose-after-fence': ['store'],
  'choose-for-switchover': ['store'],
  claim: ['store', 'executions', 'poke'],
  configure: ['configure'],
  confirm: ['store'],
  dispatch: ['start-failover'],
  drain: ['store'],
  end: ['store', 'publish'],
  fence: ['store', 'cut-power'],
  grant: ['store'],
  'move-vip': ['store', 'vip'],
  page: ['store', 'publish'],
  'power-on': ['store', 'start-power'],
  preflight: ['store', 'executions'],
  promote: ['store'],
  reconfigure: ['store'],
  rejoin: ['store'],
  release: ['store'],
  reopen: ['store'],
  restart: ['store', 'redirect'],
  'restore-vip': ['store', 'vip'],
  sweep: ['look', 'executions', 'see-vip', 'start-settle'],
  transfer: ['store'],
  verify: ['store', 'executions'],
  'withdraw-vip': ['store', 'vip'],
};

const allow = (actions: string[], resources: string[]) => new PolicyStatement({ actions, resources });

/** Only what carries the control plane's tag: a list of ids would grow with the fleet, and a policy may not. */
const allowTagged = (actions: string[], resources: string[], { tag, name }: Places) =>
  new PolicyStatement({
    actions,
    resources,
    conditions: { StringEquals: { [`aws:ResourceTag/${tag}`]: name } },
  });

const statements: Record<Right, (places: Places) => PolicyStatement[]> = {
  store: ({ tableArn }) => [allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'], [tableArn])],
  look: ({ tableArn }) => [allow(['dynamodb:GetItem', 'dynamodb:Query'], [tableArn])],
  configure: ({ tableArn }) => [allow(['dynamodb:PutItem'], [tableArn])],
  executions: ({ executionArns }) => [allow(['states:DescribeExecution'], executionArns)],
  poke: (places) => [
    allow(['ssm:SendCommand'], [places.pokeDocumentArn]),
    allowTagged(['ssm:SendCommand'], [instances(places)], places),
  ],
  vip: (places) => [
    allow(['ec2:DescribeAddresses'], ['*']),
    allowTagged(
      ['ec2:AssociateAddress', 'ec2:DisassociateAddress'],
      [places.arn('ec2', 'elastic-ip/*'), instances(places), places.arn('ec2', 'network-interface/*')],
      places,
    ),
  ],
  'see-vip': () => [allow(['ec2:DescribeAddresses'], ['*'])],
  'cut-power': (places) => [
    allow(['ec2:DescribeInstances'], ['*']),
    allowTagged(['ec2:StopInstances'], [instances(places)], places),
  ],
  'start-power': (places) => [
    allow(['ec2:DescribeInstances'], ['*']),
    allowTagged(['ec2:StartInstances'], [instances(places)], places),
  ],
  redirect: (places) => [
    allowTagged(['ssm:SendCommand'], [places.arn('ssm', 'document/*'), instances(places)], places),
    allow(['ssm:GetCommandInvocation'], ['*']),
  ],
  publish: ({ busArn }) => [allow(['events:PutEvents'], [busArn])],
  'start-failover': ({ failoverArn }) => [allow(['states:StartExecution'], [failoverArn])],
  'start-settle': ({ settleArn }) => [allow(['states:StartExecution'], [settleArn])],
};

const instances = ({ arn }: Places): string => arn('ec2', 'instance/*');

/** The statements of one function; a function without a row is a bug. */
export function grantsOf(name: string, places: Places): PolicyStatement[] {
  const row = rights[name];
  if (!row) throw new Error(`infra/grants.ts has no row for the function '${name}'`);
  return row.flatMap((right) => statements[right](places));
}
