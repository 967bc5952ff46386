// Operations on Step Functions against a scripted client: how state machines and executions are found, and what is said
// when they are not. And the patience of `follow` with a control plane that stumbles.

import type { SFNClient } from '@aws-sdk/client-sfn';
import { createVirtualClock } from '../../../adapters/memory/clock';
import { follow } from '../../../cli/follow';
import { operationKinds } from '../../../core/model';
import { fail, ok } from '../../../core/result';
import { executionsOf, type Operations } from '../../../desk/operations';
import { Failure } from '../../../desk/problems';
import { createStepFunctions } from '../../../desk/step-functions';
import { problem, value } from '../../support/samples';
import { createBench, healthy, journalStep } from './support';

const arn = (name: string) => `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
const machine = (name: string) => ({ name, stateMachineArn: arn(name) });
const all = operationKinds.map((kind) => machine(`mainstay-${kind}`));

type Sent = { name: string; input: Record<string, unknown> };
const sdkError = (name: string) => Object.assign(new Error(`${name} happened`), { name });

/** A client that answers by the command's name. */
function fakeClient(answers: Record<string, (input: Record<string, unknown>) => unknown>) {
  const sent: Sent[] = [];
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    const name = command.constructor.name.replace('Command', '');
    sent.push({ name, input: command.input });
    return answers[name]?.(command.input) ?? {};
  };
  return { sent, client: { send } as unknown as SFNClient };
}

const unknown = () => {
  throw sdkError('ExecutionDoesNotExist');
};

describe('Operations on Step Functions', () => {
  it('finds the state machines of its own stack, page by page, once', async () => {
    const { client, sent } = fakeClient({
      ListStateMachines: ({ nextToken }) =>
        nextToken
          ? { stateMachines: all }
          : { stateMachines: [machine('other-switchover'), machine('mainstay-switchover-old')], nextToken: 'more' },
    });
    const operations = createStepFunctions(client, 'mainstay');
    value(await operations.start('switchover', 'alpha-switchover-1', { cluster: 'alpha', by: 'ann' }));
    value(await operations.start('recover', 'alpha-recover-1', { cluster: 'alpha', node: 'db1', by: 'ann' }));
    expect(sent.map(({ name }) => name)).toEqual([
      'ListStateMachines',
      'ListStateMachines',
      'StartExecution',
      'StartExecution',
    ]);
    expect(sent[2]?.input).toEqual({
      stateMachineArn: arn('mainstay-switchover'),
      name: 'alpha-switchover-1',
      input: '{"cluster":"alpha","by":"ann"}',
    });
  });

  it('says that the stack is not deployed when a state machine is missing', async () => {
    const { client } = fakeClient({ ListStateMachines: () => ({ stateMachines: all.slice(0, 3) }) });
    const operations = createStepFunctions(client, 'mainstay');
    const said = problem(await operations.start('switchover', 'x', { cluster: 'alpha', by: 'ann' }));
    expect(said).toMatchObject({
      message: "there is no state machine 'mainstay-recover'",
      details: { error: 'StateMachineDoesNotExist' },
    });
    expect(problem(await operations.describe('x'))).toMatchObject(said);
  });

  it('looks for an execution that somebody else started in every state machine', async () => {
    const { client } = fakeClient({
      ListStateMachines: () => ({ stateMachines: all }),
      DescribeExecution: ({ executionArn }) =>
        executionArn === 'arn:aws:states:us-east-1:000000000000:execution:mainstay-failover:by-trigger'
          ? { status: 'FAILED', error: 'Undo.Policy', cause: '{}' }
          : unknown(),
    });
    const operations = createStepFunctions(client, 'mainstay');
    expect(value(await operations.describe('by-trigger'))).toEqual({
      status: 'FAILED',
      error: 'Undo.Policy',
      cause: '{}',
    });
    expect(value(await operations.describe('nobody'))).toBeNull();
    expect(value(await operations.describe('not a valid name'))).toBeNull();
  });

  it('takes a pending redrive for running, and refuses a name that is taken', async () => {
    const { client } = fakeClient({
      ListStateMachines: () => ({ stateMachines: all }),
      DescribeExecution: () => ({ status: 'PENDING_REDRIVE' }),
      StartExecution: () => {
        throw sdkError('ExecutionAlreadyExists');
      },
    });
    const operations = createStepFunctions(client, 'mainstay');
    expect(value(await operations.describe('x'))).toEqual({ status: 'RUNNING' });
    expect(problem(await operations.start('failover', 'x', { cluster: 'alpha', by: 'ann' }))).toMatchObject({
      code: 'Refused',
    });
  });
});

describe('executionsOf', () => {
  it('calls an unknown execution ended only when it has looked twice (T50)', async () => {
    const clock = createVirtualClock();
    const answers = [null, { status: 'RUNNING' as const }];
    const operations = { describe: async () => ok(answers.shift() ?? null) } as unknown as Operations;
    const executions = executionsOf({ operations, clock });
    expect(value(await clock.until(executions.running('x')))).toBe(true);
    expect(value(await clock.until(executions.running('x')))).toBe(false);
  });
});

describe('follow', () => {
  const request = { cluster: 'alpha', operation: 'x', timeoutMs: 60_000, onEntry: () => undefined };
  const stumbling = {
    code: 'Unreachable' as const,
    message: 'states:DescribeExecution: TimeoutError',
    next: 'try again',
  };

  it('goes on when the control plane stumbles, and tells late entries exactly once', async () => {
    const bench = await healthy(createBench());
    const { desk, clock } = bench;
    let looks = 0;
    const describe = async () => {
      looks += 1;
      if (looks < 5) return fail(stumbling);
      return ok({ status: looks < 8 ? ('RUNNING' as const) : ('SUCCEEDED' as const) });
    };
    const started = { kind: 'switchover' as const, name: 'x', input: { cluster: 'alpha', by: 'ann' } };
    void journalStep(desk, started, 'preflight', { ms: 700 });
    void journalStep(desk, { ...started, name: 'other' }, 'preflight');
    const session = { desk: { ...desk, operations: { ...desk.operations, describe } }, interrupted: () => false };
    const told: string[] = [];
    const followed = await clock.until(follow(session, { ...request, onEntry: ({ actor }) => void told.push(actor) }));
    expect(told).toEqual(['step:preflight']);
    expect(followed).toMatchObject({ execution: { status: 'SUCCEEDED' }, entries: [{ operation: 'x' }] });
  });

  it('gives up after ten seconds without an answer', async () => {
    const { desk, clock } = await healthy(createBench());
    const describe = async () => fail(stumbling);
    const session = { desk: { ...desk, operations: { ...desk.operations, describe } }, interrupted: () => false };
    await expect(clock.until(follow(session, request))).rejects.toThrow(Failure);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(9_800);
  });
});
