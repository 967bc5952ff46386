// Operations on AWS Step Functions: state machines are found by name, executions by theirs. Port: Operations.
// Must never start under another name than it was given: the name is what makes a second attempt harmless.

import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  ListStateMachinesCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { asked } from '../adapters/aws/outside';
import { broken } from '../adapters/problems';
import { type OperationKind, operationKinds } from '../core/model';
import type { Outside } from '../core/ports';
import { fail, ok } from '../core/result';
import type { Execution, ExecutionStatus, Operations } from './operations';

type Machines = ReadonlyMap<OperationKind, string>;

/** What Step Functions accepts as a name; an execution of any other name cannot exist. */
const executionName = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;

/** All state machines of the stack, by kind: their ARNs. */
async function findMachines(client: SFNClient, stack: string): Outside<Machines> {
  const found = new Map<OperationKind, string>();
  let nextToken: string | undefined;
  do {
    const command = new ListStateMachinesCommand({ maxResults: 1000, ...(nextToken ? { nextToken } : {}) });
    const page = await asked('states:ListStateMachines', () => client.send(command));
    if (!page.ok) return page;
    for (const { name, stateMachineArn } of page.value.stateMachines ?? []) {
      const kind = operationKinds.find((candidate) => name === `${stack}-${candidate}`);
      if (kind && stateMachineArn) found.set(kind, stateMachineArn);
    }
    nextToken = page.value.nextToken;
  } while (nextToken && found.size < operationKinds.length);
  return ok(found);
}

/** `…:stateMachine:mainstay-switchover` and a name give `…:execution:mainstay-switchover:name`. */
const executionArn = (machineArn: string, name: string): string =>
  `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;

async function describeIn(client: SFNClient, machineArn: string, name: string): Outside<Execution | null> {
  const command = new DescribeExecutionCommand({ executionArn: executionArn(machineArn, name) });
  const described = await asked('states:DescribeExecution', () => client.send(command), ['ExecutionDoesNotExist']);
  if (described.ok) return ok(executionFrom(described.value));
  return described.error.code === 'Refused' ? ok(null) : described;
}

function executionFrom({ status, error, cause, output }: DescribeExecutionCommandOutput): Execution {
  return {
    // A redrive is pending: for whoever waits it is still running.
    status: status === undefined || status === 'PENDING_REDRIVE' ? 'RUNNING' : (status satisfies ExecutionStatus),
    ...(error === undefined ? {} : { error }),
    ...(cause === undefined ? {} : { cause }),
    ...(output === undefined ? {} : { output }),
  };
}

const missing = (machine: string) =>
  broken(`there is no state machine '${machine}'`, 'deploy the stack, or name another one with --stack', {
    error: 'StateMachineDoesNotExist',
  });

export function createStepFunctions(client: SFNClient, stack: string): Operations {
  const kindOfName = new Map<string, OperationKind>();
  let machines: Machines | null = null;

  async function machinesOf(): Outside<Machines> {
    if (machines) return ok(machines);
    const found = await findMachines(client, stack);
    if (!found.ok) return found;
    const lacking = operationKinds.find((kind) => !found.value.has(kind));
    if (lacking) return fail(missing(`${stack}-${lacking}`));
    machines = found.value;
    return found;
  }

  return {
    start: async (kind, name, input) => {
      const found = await machinesOf();
      if (!found.ok) return found;
      const stateMachineArn = found.value.get(kind);
      if (!stateMachineArn) return fail(missing(`${stack}-${kind}`));
      const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) });
      const started = await asked('states:StartExecution', () => client.send(command), ['ExecutionAlreadyExists']);
      if (!started.ok) return started;
      kindOfName.set(name, kind);
      return ok(undefined);
    },
    describe: async (name) => {
      if (!executionName.test(name)) return ok(null);
      const found = await machinesOf();
      if (!found.ok) return found;
      const own = kindOfName.get(name);
      for (const [kind, arn] of found.value) {
        if (own !== undefined && own !== kind) continue;
        const described = await describeIn(client, arn, name);
        if (!described.ok || described.value !== null) return described;
      }
      return ok(null);
    },
  };
}
