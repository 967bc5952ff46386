// settle: is there anything that nobody is working on any more (T47, T50)? Reads only.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { fromOutside, type StepContext, type StepDefinition, type StepResult } from '../step';
import { leftBehind } from '../sweep';

export const checkSettle: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, config, lease, operation } = context;
  if (lease.operation?.id === operation) return ok({});
  const reason = await leftBehind(ports, config, lease);
  if (!reason.ok) return fail(fromOutside(reason.error));
  if (reason.value === null) {
    const because = lease.operation ? `${lease.operation.id} is running` : 'the VIP is at the main';
    return fail(undo('NotAbandoned', `nothing was left behind in ${config.name}: ${because}`, 'nothing to do'));
  }
  context.note(reason.value);
  return ok({});
}
