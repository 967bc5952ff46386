// Executions: memory, and Step Functions as the emulator has it.

import { CreateStateMachineCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { createClient } from '../../adapters/aws/clients';
import { createExecutions } from '../../adapters/aws/executions';
import { createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryExecutions } from '../../adapters/memory/executions';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { value } from '../support/samples';
import { executionsContract } from './suites/executions';

executionsContract('memory', async () => {
  const script = createFaultScript();
  const executions = createMemoryExecutions({ faults: script });
  return {
    executions,
    script,
    begin: async (operation) => executions.began(operation),
    end: async (operation) => executions.ended(operation),
    ask: 'running',
  };
});

describe('on the emulator', () => {
  let cloud: Cloud;
  let emulator: SFNClient;
  let stateMachineArns: string[];
  beforeAll(async () => {
    cloud = await startCloud();
    emulator = createClient(SFNClient, cloud.options);
    stateMachineArns = await Promise.all(['mainstay-switchover', 'mainstay-failover'].map(createStateMachine));
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  /** Runs until it is stopped. */
  async function createStateMachine(name: string): Promise<string> {
    const definition = JSON.stringify({
      StartAt: 'Wait',
      States: { Wait: { Type: 'Wait', Seconds: 3600, End: true } },
    });
    const command = new CreateStateMachineCommand({ name, definition, roleArn: 'arn:aws:iam::000000000000:role/any' });
    return String((await emulator.send(command)).stateMachineArn);
  }

  function build(confirmed: () => unknown = () => undefined) {
    const script = createFaultScript();
    const client = createClient(SFNClient, cloud.options);
    injectFaults(client, script);
    const sleep = async () => void (await confirmed());
    const clock = { ...createVirtualClock(), sleep };
    return { executions: createExecutions(client, { stateMachineArns, clock, confirmAfterMs: 1000 }), script };
  }

  const begin = async (name: string, kind: number) => {
    await emulator.send(new StartExecutionCommand({ stateMachineArn: stateMachineArns[kind], name }));
  };
  const end = async (name: string, kind: number) => {
    const executionArn = `${stateMachineArns[kind]?.replace(':stateMachine:', ':execution:')}:${name}`;
    await emulator.send(new StopExecutionCommand({ executionArn }));
  };

  executionsContract('Step Functions', async () => ({ ...build(), begin, end, ask: 'DescribeExecution' }));

  it('T50: "never existed" is heard twice, because Step Functions answers eventually consistent', async () => {
    const { executions } = build(() => begin('just-started', 1));
    expect(value(await executions.running('just-started'))).toBe(true);
  });

  it('T50: when one state machine cannot be asked, the others do not answer for it', async () => {
    const { executions, script } = build();
    script.next('DescribeExecution', null);
    script.next('DescribeExecution', 'timeout-before');
    expect(await executions.running('nowhere')).toMatchObject({ ok: false, error: { code: 'Unreachable' } });
  });

  it('refuses to be built without state machines or with something else than their ARNs', () => {
    const clock = createVirtualClock();
    for (const arns of [[], ['mainstay-failover'], ['arn:aws:states:us-east-1:000000000000:execution:a:b']]) {
      expect(() => createExecutions(emulator, { stateMachineArns: arns, clock, confirmAfterMs: 1 })).toThrow();
    }
  });
});
