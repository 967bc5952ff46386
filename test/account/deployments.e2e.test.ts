// The life of a stack in one account: deployed, deployed again, changed under a running operation, destroyed, and deployed
// again onto the table that it left. Must leave leases alone all the way.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { createClient } from '../../adapters/aws/clients';
import type { Lease } from '../../core/model';
import { functionNames } from '../../infra/bundle';
import { plans } from '../../workflows/plans';
import { value } from '../support/samples';
import { Account, clusterOf, patient, type Rented, stackName } from './account';

const openMs = 120_000;
const moveMs = 120_000;

describe('a stack in the emulated account', () => {
  let account: Account;
  let rented: Record<'alpha' | 'beta' | 'gamma', Rented>;
  let first: string;
  let second: Promise<string>;
  const changed = { maxLagBytes: 1_000_000 };
  beforeAll(async () => {
    account = await Account.open();
    rented = { alpha: await account.rent(3), beta: await account.rent(2), gamma: await account.rent(2) };
    const { alpha, beta, gamma } = rented;
    const timings = patient;
    first = await account.synthesize([clusterOf('alpha', alpha, { timings }), clusterOf('beta', beta)]);
    // One cluster is changed, one is taken out, one comes in.
    second = account.synthesize([
      clusterOf('alpha', alpha, { timings, ...changed }),
      clusterOf('gamma', gamma, { timings }),
    ]);
    await account.deploy(first);
    account.man(clusterOf('alpha', alpha, { timings }));
    await account.until('reports of all', async () => (await account.cli('switch', 'alpha', '--dry-run')).code !== 5);
    await account.must('start', 'alpha', '--node', 'db1');
    await account.healthy('alpha');
  }, openMs);
  afterAll(() => account?.close());

  const authority = ({ epoch, phase, holder, operation, shunned }: Lease) => ({
    ...{ epoch, phase, holder, operation, shunned },
  });

  /** Everything in the account that bears the stack's name, by kind. */
  async function owned(): Promise<Record<string, string[]>> {
    const ours = (names: (string | undefined)[]) => names.flatMap((name) => (name?.includes(stackName) ? [name] : []));
    const { Functions = [] } = await account.lambda.send(new ListFunctionsCommand({ MaxItems: 1000 }));
    const { Rules = [] } = await account.events.send(new ListRulesCommand({}));
    const { stateMachines = [] } = await account.sfn.send(new ListStateMachinesCommand({ maxResults: 1000 }));
    const { Roles = [] } = await account.iam.send(new ListRolesCommand({ MaxItems: 1000 }));
    const logs = await account.ask('logs', 'Logs_20140328.DescribeLogGroups', { limit: 50 });
    return {
      functions: ours(Functions.map(({ FunctionName }) => FunctionName)),
      rules: ours(Rules.map(({ Name }) => Name)),
      stateMachines: ours(stateMachines.map(({ name }) => name)),
      roles: ours(Roles.map(({ RoleName }) => RoleName)),
      logGroups: ours((logs.logGroups as { logGroupName: string }[]).map(({ logGroupName }) => logGroupName)),
    };
  }

  const kinds = (assemblyDir: string, type: string): number => {
    const template = JSON.parse(readFileSync(join(assemblyDir, `${stackName}.template.json`), 'utf8'));
    return Object.values(template.Resources as Record<string, { Type: string }>).filter(({ Type }) => Type === type)
      .length;
  };

  async function tableIsThere(): Promise<boolean> {
    const client = createClient(DynamoDBClient, account.client);
    const answer = client.send(new DescribeTableCommand({ TableName: stackName }));
    return answer.then(
      ({ Table }) => Table?.TableStatus === 'ACTIVE',
      () => false,
    );
  }

  async function physicalIds(): Promise<Record<string, string>> {
    const client = createClient(CloudFormationClient, account.client);
    const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName: stackName }));
    return Object.fromEntries(
      StackResources.map(({ LogicalResourceId, PhysicalResourceId }) => [
        String(LogicalResourceId),
        String(PhysicalResourceId),
      ]),
    );
  }

  /** New for a function whose code or settings were written again. */
  async function revisions(): Promise<Record<string, string>> {
    const { Functions = [] } = await account.lambda.send(new ListFunctionsCommand({ MaxItems: 1000 }));
    return Object.fromEntries(
      Functions.map(({ FunctionName, RevisionId }) => [String(FunctionName), String(RevisionId)]),
    );
  }

  test('everything in the template is in the account, under the names by which the CLI and the agents find it', async () => {
    const found = await owned();
    expect(found.functions).toEqual(expect.arrayContaining(functionNames().map((name) => `${stackName}-${name}`)));
    expect([...(found.stateMachines ?? [])].sort()).toEqual(
      Object.keys(plans)
        .map((kind) => `${stackName}-${kind}`)
        .sort(),
    );
    const counts = Object.fromEntries(Object.entries(found).map(([kind, names]) => [kind, names.length]));
    expect(counts).toEqual({
      functions: kinds(first, 'AWS::Lambda::Function'),
      rules: kinds(first, 'AWS::Events::Rule'),
      stateMachines: kinds(first, 'AWS::StepFunctions::StateMachine'),
      roles: kinds(first, 'AWS::IAM::Role'),
      logGroups: kinds(first, 'AWS::Logs::LogGroup'),
    });
    expect(value(await account.settings().clusters())).toEqual(['alpha', 'beta']);
  });

  test('the same deployment again touches nothing', async () => {
    const [before, versions, lease] = [await physicalIds(), await revisions(), await account.lease('alpha')];
    const outputs = await account.deploy(first);
    expect(outputs.TableName).toBe(stackName);
    expect([await physicalIds(), await revisions()]).toEqual([before, versions]);
    expect(authority(await account.lease('alpha'))).toEqual(authority(lease));
  });

  test(
    'an update under a running switchover: the operation ends well, only what changed is touched, and leases are left alone',
    async () => {
      const [before, versions] = [await physicalIds(), await revisions()];
      const assembly = await second;
      const running = account.press('switchover', '{"cluster":"alpha","to":"db3"}', 'alpha-under-update');
      await account.until('its lock', async () => (await account.lease('alpha')).operation !== null);
      await account.deploy(assembly);
      expect(await account.ended('switchover', await running)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await account.healthy('alpha')).toMatchObject({ holder: 'db3', epoch: 2 });
      expect(await account.target(rented.alpha.allocationId)).toBe(rented.alpha.instanceIds[2]);
      const after = await physicalIds();
      const touched = Object.keys({ ...before, ...after }).filter((id) => before[id] !== after[id]);
      expect(touched.length).toBeGreaterThan(0);
      expect(touched.filter((id) => !/^Cluster/.test(id))).toEqual([]);
      expect(await revisions()).toEqual(versions);
      expect(value(await account.settings().config('alpha'))).toMatchObject(changed);
    },
    moveMs,
  );

  test(
    'a cluster that came in can be started; one that was taken out keeps its configuration, and its address',
    async () => {
      account.man(clusterOf('gamma', rented.gamma, { timings: patient }));
      expect(value(await account.settings().config('beta'))).toMatchObject({ name: 'beta' });
      await account.until('reports', async () => (await account.cli('switch', 'gamma', '--dry-run')).code !== 5);
      await account.must('start', 'gamma', '--node', 'db2');
      expect(await account.healthy('gamma')).toMatchObject({ holder: 'db2', epoch: 1 });
      expect(await account.target(rented.gamma.allocationId)).toBe(rented.gamma.instanceIds[1]);
    },
    moveMs,
  );

  test(
    'destroyed, nothing is left but the table; the mains go on, because the lease is all they need',
    async () => {
      await account.destroy();
      expect(await owned()).toEqual({ functions: [], rules: [], stateMachines: [], roles: [], logGroups: [] });
      expect(await tableIsThere()).toBe(true);
      const { version } = await account.lease('alpha');
      await account.until('a renewal', async () => (await account.lease('alpha')).version > version);
      expect(account.crews.get('alpha')?.machine('db3').accepts).toBe(true);
    },
    moveMs,
  );

  test(
    'L1: a new stack does not overwrite the table that is there: it says so, and leaves nothing',
    async () => {
      const lease = await account.lease('alpha');
      await expect(account.deploy(await second)).rejects.toThrow(/already exists/);
      expect(await owned()).toEqual({ functions: [], rules: [], stateMachines: [], roles: [], logGroups: [] });
      expect(authority(await account.lease('alpha'))).toEqual(authority(lease));
    },
    moveMs,
  );

  test(
    'L1: with --import-existing-resources it takes the table over, epochs and all, and operations work again',
    async () => {
      await account.deploy(await second, { importExisting: true });
      expect(await account.healthy('alpha')).toMatchObject({ holder: 'db3', epoch: 2 });
      await account.must('switch', 'alpha', '--to', 'db1');
      expect(await account.healthy('alpha')).toMatchObject({ holder: 'db1', epoch: 3 });
      expect(await account.deploy(await second)).toMatchObject({ TableName: stackName });
    },
    moveMs,
  );
});
