// Starts the node's instance when it is stopped, and waits until its agent has read the lease under this operation.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import {
  fromOutside,
  need,
  nodeOf,
  reportsOf,
  type StepContext,
  type StepDefinition,
  type StepResult,
  until,
} from '../step';

export const powerOn: StepDefinition = { needs: 'epoch', run };

/** The agent's report is read from our own table, the instance's state from EC2's account-wide quota. */
const agentEveryMs = 100;
const powerEveryMs = 1000;

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const node = nodeOf(config, need(state, 'node'));
  let asked = false;
  const { importance } = config;
  const look = async () => {
    const report = (await reportsOf(context)).find(({ node: name }) => name === node.name);
    if (report && report.seen.version >= lease.version) return true;
    if (asked) return null;
    const power = await ports.power.state(node.instanceId, importance);
    // A stopping instance cannot be started yet, and an account may start two a second (T66); look again.
    if (power.ok && power.value === 'stopped') asked = (await ports.power.start(node.instanceId, importance)).ok;
    return power.ok && power.value === 'terminated' ? false : null;
  };
  const up = await until(context, look, () => (asked ? agentEveryMs : powerEveryMs));
  if (up === true) {
    context.note(asked ? `instance ${node.instanceId} started, agent up` : 'agent up');
    return ok({});
  }
  const power = await ports.power.state(node.instanceId);
  if (!power.ok) return fail(fromOutside(power.error));
  return fail(
    undo(
      'PowerOnTimeout',
      `${node.name} did not come up (instance ${node.instanceId} is ${power.value})`,
      'look at the instance and its agent',
    ),
  );
}
