// Tasks: memory, and Step Functions as the emulator has it: a state machine that puts its token into a table and sleeps.

import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { createClient } from '../../adapters/aws/clients';
import { createTasks } from '../../adapters/aws/tasks';
import { createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryTasks } from '../../adapters/memory/tasks';
import { type Cloud, cloudStartMs, createTable, startCloud } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { tasksContract } from './suites/tasks';

tasksContract('memory', async () => {
  const script = createFaultScript();
  const clock = createVirtualClock();
  const tasks = createMemoryTasks({ clock, faults: script });
  const sleep = async () => {
    const token = tasks.begin();
    const ended = tasks.ended(token, 86_400_000);
    return { token, woken: () => ended, stop: async () => tasks.stop(token) };
  };
  return { tasks, script, sleep, ask: 'wake' };
});

it('memory tasks: who is not woken in time is not woken at all', async () => {
  const clock = createVirtualClock();
  const tasks = createMemoryTasks({ clock });
  const token = tasks.begin();
  const ended = tasks.ended(token, 86_400_000);
  await clock.advance(86_400_000);
  expect(await ended).toBe(false);
  expect((await tasks.wake(token)).ok).toBe(false);
});

describe('on the emulator', () => {
  let cloud: Cloud;
  let emulator: SFNClient;
  let table: DynamoDBClient;
  let stateMachineArn: string;
  let executions = 0;

  beforeAll(async () => {
    cloud = await startCloud();
    emulator = createClient(SFNClient, cloud.options);
    table = createClient(DynamoDBClient, cloud.options);
    await createTable(cloud.options, 'tokens');
    stateMachineArn = await createSleeper();
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  async function createSleeper(): Promise<string> {
    const Item = {
      pk: { 'S.$': '$$.Execution.Name' },
      sk: { S: 'token' },
      token: { 'S.$': '$$.Task.Token' },
    };
    const Sleep = {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken',
      Parameters: { TableName: 'tokens', Item },
      TimeoutSeconds: 3600,
      End: true,
    };
    const definition = JSON.stringify({ StartAt: 'Sleep', States: { Sleep } });
    const roleArn = 'arn:aws:iam::000000000000:role/any';
    const created = await emulator.send(new CreateStateMachineCommand({ name: 'sleeper', definition, roleArn }));
    return String(created.stateMachineArn);
  }

  async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let round = 0; round < 1000; round++) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error('looked a thousand times in vain');
  }

  async function sleep() {
    executions += 1;
    const name = `sleeper-${executions}`;
    const { executionArn } = await emulator.send(new StartExecutionCommand({ stateMachineArn, name }));
    const Key = { pk: { S: name }, sk: { S: 'token' } };
    const kept = async () => (await table.send(new GetItemCommand({ TableName: 'tokens', Key }))).Item?.token?.S;
    const status = async () => {
      const described = await emulator.send(new DescribeExecutionCommand({ executionArn }));
      return described.status === 'RUNNING' ? undefined : described.status;
    };
    return {
      token: await until(kept),
      woken: async () => (await until(status)) === 'SUCCEEDED',
      stop: async () => {
        await emulator.send(new StopExecutionCommand({ executionArn }));
        await until(status);
      },
    };
  }

  tasksContract('Step Functions', async () => {
    const script = createFaultScript();
    const client = createClient(SFNClient, cloud.options);
    injectFaults(client, script);
    return { tasks: createTasks(client), script, sleep, ask: 'SendTaskSuccess' };
  });

  it('T3: an answer whose reply was lost and that the SDK sends again finds the sleeper gone, and it is awake', async () => {
    const script = createFaultScript();
    const client = createClient(SFNClient, { ...cloud.options, maxAttempts: 3 });
    injectFaults(client, script);
    const { token, woken } = await sleep();
    script.next('SendTaskSuccess', 'timeout-after');
    const answer = await createTasks(client).wake(token);
    expect(answer.ok || answer.error.code).toBe('Refused');
    expect(await woken()).toBe(true);
  });
});
