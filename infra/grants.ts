// What each function may do: one row per step, and nothing that is not in its row. Resources are as narrow as the action
// allows; EC2's Describe calls know no resources.

import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ClusterConfig } from '../core/model';

export interface Places {
  tableArn: string;
  stateMachineArns: string[];
  failoverArn: string;
  settleArn: string;
  executionArns: string[];
  pokeDocumentArn: string;
  busArn: string;
  /** `arn:partition:service:region:account:resource` of this stack's account. */
  arn: (service: string, resource: string) => string;
  clusters: ClusterConfig[];
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

const statements: Record<Right, (places: Places) => PolicyStatement[]> = {
  store: ({ tableArn }) => [allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'], [tableArn])],
  look: ({ tableArn }) => [allow(['dynamodb:GetItem', 'dynamodb:Query'], [tableArn])],
  configure: ({ tableArn }) => [allow(['dynamodb:PutItem'], [tableArn])],
  executions: ({ executionArns }) => [allow(['states:DescribeExecution'], executionArns)],
  poke: ({ pokeDocumentArn, ...places }) => [allow(['ssm:SendCommand'], [pokeDocumentArn, ...instances(places)])],
  vip: ({ clusters, ...places }) => [
    allow(['ec2:DescribeAddresses'], ['*']),
    allow(
      ['ec2:AssociateAddress', 'ec2:DisassociateAddress'],
      [
        ...clusters.flatMap(({ vip }) =>
          vip.kind === 'eip' ? [places.arn('ec2', `elastic-ip/${vip.allocationId}`)] : [],
        ),
        ...instances({ clusters, ...places }),
        places.arn('ec2', 'network-interface/*'),
      ],
    ),
  ],
  'see-vip': () => [allow(['ec2:DescribeAddresses'], ['*'])],
  'cut-power': (places) => [allow(['ec2:DescribeInstances'], ['*']), allow(['ec2:StopInstances'], instances(places))],
  'start-power': (places) => [
    allow(['ec2:DescribeInstances'], ['*']),
    allow(['ec2:StartInstances'], instances(places)),
  ],
  redirect: (places) => {
    const consumers = places.clusters.flatMap(({ consumers }) => consumers);
    if (consumers.length === 0) return [];
    return [
      allow(
        ['ssm:SendCommand'],
        [
          ...consumers.map(({ document }) => places.arn('ssm', `document/${document}`)),
          ...consumers.map(({ instanceId }) => places.arn('ec2', `instance/${instanceId}`)),
        ],
      ),
      allow(['ssm:GetCommandInvocation'], ['*']),
    ];
  },
  publish: ({ busArn }) => [allow(['events:PutEvents'], [busArn])],
  'start-failover': ({ failoverArn }) => [allow(['states:StartExecution'], [failoverArn])],
  'start-settle': ({ settleArn }) => [allow(['states:StartExecution'], [settleArn])],
};

const instances = ({ clusters, arn }: Pick<Places, 'clusters' | 'arn'>): string[] =>
  clusters.flatMap(({ nodes }) => nodes.map(({ instanceId }) => arn('ec2', `instance/${instanceId}`)));

/** The statements of one function; a function without a row is a bug. */
export function grantsOf(name: string, places: Places): PolicyStatement[] {
  const row = rights[name];
  if (!row) throw new Error(`infra/grants.ts has no row for the function '${name}'`);
  return row.flatMap((right) => statements[right](places));
}
