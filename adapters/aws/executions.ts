// Whether an operation's execution still runs, asked of Step Functions. Port: Executions. An operation id is an execution
// name; which state machine it belongs to is found by trying each. Must never say "not running" without knowing: that
// answer lets somebody else take the cluster over in mid-operation (T50).

import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { assert } from '../../core/assert';
import type { Clock, Executions, Outside } from '../../core/ports';
import { ok } from '../../core/result';
import { asked } from './outside';

export interface ExecutionsOptions {
  stateMachineArns: readonly string[];
  clock: Clock;
  /** DescribeExecution is eventually consistent: "never existed" must be heard twice, this far apart, in ms. */
  confirmAfterMs: number;
}

interface World extends ExecutionsOptions {
  sfn: SFNClient;
}

const stateMachineArn = /^(arn:[^:]+:states:[^:]+:[^:]+:)stateMachine:([^:]+)$/;
/** What Step Functions accepts as a name; an execution of any other name cannot exist. */
const executionName = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;
const neverExisted = 'ExecutionDoesNotExist';

/** Of one state machine; null when it never had an execution of this name. */
async function runningOf({ sfn }: World, machineArn: string, name: string): Outside<boolean | null> {
  const executionArn = `${machineArn.replace(stateMachineArn, '$1execution:$2')}:${name}`;
  const command = new DescribeExecutionCommand({ executionArn });
  const answer = await asked('states:DescribeExecution', () => sfn.send(command), [neverExisted]);
  // A redrive that is pending comes back to life, so it counts as running.
  if (answer.ok) return ok(answer.value.status === 'RUNNING' || answer.value.status === 'PENDING_REDRIVE');
  return answer.error.details?.error === neverExisted ? ok(null) : answer;
}

/** Of any state machine; null when none knows the name. One that could not be asked may be the one: no answer then. */
async function runningOfAny(world: World, name: string): Outside<boolean | null> {
  let seen: boolean | null = null;
  for (const machineArn of world.stateMachineArns) {
    const answer = await runningOf(world, machineArn, name);
    if (!answer.ok || answer.value) return answer;
    seen = answer.value ?? seen;
  }
  return ok(seen);
}

async function running(world: World, name: string): Outside<boolean> {
  if (!executionName.test(name)) return ok(false);
  const first = await runningOfAny(world, name);
  if (!first.ok || first.value !== null) return first as Awaited<Outside<boolean>>;
  await world.clock.sleep(world.confirmAfterMs);
  const second = await runningOfAny(world, name);
  return second.ok ? ok(second.value ?? false) : second;
}

export function createExecutions(sfn: SFNClient, options: ExecutionsOptions): Executions {
  assert(options.stateMachineArns.length > 0, 'Executions needs at least one state machine');
  for (const arn of options.stateMachineArns) assert(stateMachineArn.test(arn), `not a state machine ARN: ${arn}`);
  const world = { sfn, ...options };
  return { running: (operation) => running(world, operation) };
}
