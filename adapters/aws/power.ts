// Power of EC2 instances. Port: Power. Cuts without asking the operating system, which may hang (T12).
// Must never call an instance off: only `state` says so, and only `stopped` and `terminated` prove it (T11). An instance
// that EC2 does not know is Broken, never "gone": a typing error would be a fence (T19).

import {
  DescribeInstancesCommand,
  type EC2Client,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { OutsideProblem } from '../../core/errors';
import type { Outside, Power, PowerState } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken, refused } from '../problems';
import { asked } from './outside';

const states: readonly string[] = [
  'running',
  'pending',
  'stopping',
  'shutting-down',
  'stopped',
  'terminated',
] satisfies PowerState[];
const isPowerState = (name: string | undefined): name is PowerState => name !== undefined && states.includes(name);

const wrongState = ['IncorrectInstanceState', 'IncorrectState'];
/** These name a property of the instance that a person has to change before it can be cut. */
const stopForbidden: Record<string, string> = {
  OperationNotPermitted:
    'switch off stop protection (disableApiStop) of this instance, or it can never be fenced by power',
  UnsupportedOperation:
    'this kind of instance cannot be stopped: leave power-off out of the fence ladder of its cluster',
};

async function state(ec2: EC2Client, instanceId: string): Outside<PowerState> {
  const command = new DescribeInstancesCommand({ InstanceIds: [instanceId] });
  const answer = await asked('ec2:DescribeInstances', () => ec2.send(command));
  if (!answer.ok) return answer;
  const name = answer.value.Reservations?.[0]?.Instances?.[0]?.State?.Name;
  if (isPowerState(name)) return ok(name);
  return fail(
    broken(`EC2 does not tell the state of ${instanceId}`, 'correct instanceId in the configuration', { name }),
  );
}

const withHint = (problem: OutsideProblem): OutsideProblem => {
  const next = stopForbidden[String(problem.details?.error)];
  return next ? { ...problem, next } : problem;
};

/** EC2 refused because of the instance's state: that is the wanted one already, or it is told. */
async function unless(
  ec2: EC2Client,
  instanceId: string,
  wanted: readonly PowerState[],
  problem: OutsideProblem,
): Outside<void> {
  if (problem.code !== 'Refused') return fail(withHint(problem));
  const now = await state(ec2, instanceId);
  if (!now.ok) return now;
  if (wanted.includes(now.value)) return ok(undefined);
  return fail(
    refused(`${instanceId} is ${now.value}`, 'wait for a lasting state and ask again', { state: now.value }, problem),
  );
}

async function cut(ec2: EC2Client, instanceId: string): Outside<void> {
  // Force alone waits for a graceful shutdown first; a hung main would keep its sessions meanwhile.
  const command = new StopInstancesCommand({ InstanceIds: [instanceId], Force: true, SkipOsShutdown: true });
  const answer = await asked('ec2:StopInstances', () => ec2.send(command), wrongState);
  if (answer.ok) return ok(undefined);
  return unless(ec2, instanceId, ['stopping', 'stopped', 'shutting-down', 'terminated'], answer.error);
}

async function start(ec2: EC2Client, instanceId: string): Outside<void> {
  const command = new StartInstancesCommand({ InstanceIds: [instanceId] });
  const answer = await asked('ec2:StartInstances', () => ec2.send(command), wrongState);
  if (answer.ok) return ok(undefined);
  return unless(ec2, instanceId, ['pending', 'running'], answer.error);
}

export const createPower = (ec2: EC2Client): Power => ({
  state: (instanceId) => state(ec2, instanceId),
  cut: (instanceId) => cut(ec2, instanceId),
  start: (instanceId) => start(ec2, instanceId),
});
