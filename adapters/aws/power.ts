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
import type { Cut, Outside, PerInstance, Power, PowerState } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
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

/** DescribeInstances takes 1,000 ids at the most; its answer for 100 stays within a second. */
const idsPerDescribe = 100;
/** Each id takes a token of the account's bucket (1,000, 20 per second) beside the call's own: 50 leave room for others. */
const idsPerStop = 50;

const wrongState = ['IncorrectInstanceState', 'IncorrectState'];
/** These name a property of the instance that a person has to change before it can be cut. */
const stopForbidden: Record<string, string> = {
  OperationNotPermitted:
    'switch off stop protection (disableApiStop) of this instance, or it can never be fenced by power',
  UnsupportedOperation:
    'this kind of instance cannot be stopped (instance store as root, one-time Spot request): leave power-off out of the fence ladder of its cluster',
};
/** What an endpoint says that knows no SkipOsShutdown; the parameter is of July 2025. */
const noSuchParameter = ['InvalidParameterCombination', 'UnknownParameter', 'UnsupportedOperation'];

type Batch<T> = (ids: readonly string[]) => Outside<PerInstance<T>>;

const errorOf = ({ details }: OutsideProblem): string => String(details?.error);

/** In batches; a call that fails because of one id is halved until that one stands alone. No answer is nobody's fault. */
async function inBatches<T>(ids: readonly string[], size: number, batch: Batch<T>): Outside<PerInstance<T>> {
  const found = new Map<string, Result<T, OutsideProblem>>();
  const rest: (readonly string[])[] = [];
  for (let from = 0; from < ids.length; from += size) rest.push(ids.slice(from, from + size));
  for (let part = rest.shift(); part; part = rest.shift()) {
    const answer = await batch(part);
    if (answer.ok) for (const [id, one] of answer.value) found.set(id, one);
    else if (part.length === 1 || answer.error.code === 'Unreachable' || isForAll(answer.error))
      for (const id of part) found.set(id, fail(answer.error));
    else rest.unshift(part.slice(0, part.length / 2), part.slice(part.length / 2));
  }
  return ok(found);
}

/** A role that may not call at all may not call for any of them. */
const isForAll = (problem: OutsideProblem): boolean =>
  errorOf(problem) === 'UnauthorizedOperation' && !problem.message.includes('instance/');

async function describe(ec2: EC2Client, ids: readonly string[]): Outside<PerInstance<PowerState>> {
  const command = new DescribeInstancesCommand({ InstanceIds: [...ids] });
  const answer = await asked('ec2:DescribeInstances', () => ec2.send(command));
  if (!answer.ok) return answer;
  const instances = answer.value.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
  const told = new Map(instances.map(({ InstanceId, State }) => [InstanceId, State?.Name]));
  return ok(new Map(ids.map((id) => [id, stateFrom(id, told.get(id))])));
}

function stateFrom(id: string, name: string | undefined): Result<PowerState, OutsideProblem> {
  if (isPowerState(name)) return ok(name);
  return fail(broken(`EC2 does not tell the state of ${id}`, 'correct instanceId in the configuration', { name }));
}

const onlyOne = <T>(id: string, answers: Awaited<Outside<PerInstance<T>>>): Result<T, OutsideProblem> =>
  answers.ok ? (answers.value.get(id) ?? fail(broken(`nothing is said of ${id}`, 'ask again'))) : answers;

const state = async (ec2: EC2Client, id: string): Outside<PowerState> => onlyOne(id, await describe(ec2, [id]));

const withHint = (problem: OutsideProblem): OutsideProblem => {
  const next = stopForbidden[errorOf(problem)];
  return next ? { ...problem, next } : problem;
};

/** EC2 refused because of the instance's state: that is the wanted one already, or it is told. */
async function unless<T>(
  ec2: EC2Client,
  instanceId: string,
  { wanted, value }: { wanted: readonly PowerState[]; value: T },
  problem: OutsideProblem,
): Outside<T> {
  if (problem.code !== 'Refused') return fail(withHint(problem));
  const now = await state(ec2, instanceId);
  if (!now.ok) return now;
  if (wanted.includes(now.value)) return ok(value);
  return fail(
    refused(`${instanceId} is ${now.value}`, 'wait for a lasting state and ask again', { state: now.value }, problem),
  );
}

async function stop(ec2: EC2Client, ids: readonly string[], how: Cut): Outside<PerInstance<Cut>> {
  // Force alone waits for a graceful shutdown first; a hung main would keep its sessions meanwhile. Volumes of the instance
  // store are lost with every stop; a node that could hibernate does not, as nobody asks for it.
  const input = { InstanceIds: [...ids], Force: true, ...(how === 'at-once' ? { SkipOsShutdown: true } : {}) };
  const answer = await asked('ec2:StopInstances', () => ec2.send(new StopInstancesCommand(input)), wrongState);
  if (answer.ok) return ok(new Map(ids.map((id) => [id, ok(how)])));
  const [id = ''] = ids;
  if (ids.length > 1) return answer;
  if (how === 'at-once' && noSuchParameter.includes(errorOf(answer.error))) return stop(ec2, ids, 'after-shutdown');
  const gone: readonly PowerState[] = ['stopping', 'stopped', 'shutting-down', 'terminated'];
  return ok(new Map([[id, await unless(ec2, id, { wanted: gone, value: how }, answer.error)]]));
}

async function start(ec2: EC2Client, instanceId: string): Outside<void> {
  const command = new StartInstancesCommand({ InstanceIds: [instanceId] });
  const answer = await asked('ec2:StartInstances', () => ec2.send(command), wrongState);
  if (answer.ok) return ok(undefined);
  return unless(ec2, instanceId, { wanted: ['pending', 'running'], value: undefined }, answer.error);
}

export const createPower = (ec2: EC2Client): Power => ({
  state: (instanceId) => state(ec2, instanceId),
  states: (instanceIds) => inBatches(instanceIds, idsPerDescribe, (ids) => describe(ec2, ids)),
  cut: (instanceIds) => inBatches(instanceIds, idsPerStop, (ids) => stop(ec2, ids, 'at-once')),
  start: (instanceId) => start(ec2, instanceId),
});
