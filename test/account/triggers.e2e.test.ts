// Every trigger of the deployed stack, driven as its source drives it: what execution it starts and how that ends, what then
// stands on the lease and in the journal, where the address points, and what is published. Real agents, modelled engines.

import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListTargetsByRuleCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { stepNames } from '../../core/plan';
import { plans } from '../../workflows/plans';
import { Account, type ClusterInput, type Rented, stackName } from './account';

const openMs = 120_000;
const nodeNames = ['db1', 'db2', 'db3'];

const clusterOf = (name: string, { instanceIds, allocationId, host }: Rented): ClusterInput => ({
  name,
  engine: 'postgres',
  nodes: instanceIds.map((instanceId, index) => ({
    name: String(nodeNames[index]),
    instanceId,
    zone: `us-east-1${'abc'[index]}`,
    host: `10.0.${index}.11`,
  })),
  vip: { kind: 'eip', allocationId, host },
});

describe('the emulated account', () => {
  let account: Account;
  let rented: Rented;
  beforeAll(async () => {
    account = await Account.open();
    rented = await account.rent(3);
    const alpha = clusterOf('alpha', rented);
    await account.deploy(await account.synthesize([alpha]));
    await account.listen('mainstay');
    account.man(alpha);
  }, openMs);
  afterAll(() => account?.close());

  const instance = (node: string) => rented.instanceIds[nodeNames.indexOf(node)];
  const heardOf = async (operation: string) =>
    (await account.heard('Operation Ended')).filter((detail) => detail.operation === operation);

  test('cli start seats the first main, and the agents of the others follow it', async () => {
    await account.until('reports', async () => (await account.cli('start', 'alpha', '--node', 'db1')).code === 0);
    const lease = await account.healthy('alpha');
    expect(lease).toMatchObject({ phase: 'held', holder: 'db1', epoch: 1, operation: null });
    await account.until('the sweep', async () => (await account.target(rented.allocationId)) === instance('db1'), 90_000);
  }, 100_000);

  test('cli switch', async () => {
    await account.must('switch', 'alpha', '--to', 'db2');
    const lease = await account.healthy('alpha');
    expect(lease).toMatchObject({ phase: 'held', holder: 'db2', epoch: 2, operation: null });
    const [execution] = await account.executions('switchover');
    console.log(execution, await heardOf(execution?.name ?? ''), await account.target(rented.allocationId), instance('db2'));
    console.log((await account.journal('alpha')).map((e) => `${e.actor} ${e.rule} ${e.because}`).join('\n'));
  }, 60_000);
});
