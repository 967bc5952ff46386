// settle: is there anything that nobody is working on any more (T47, T50)? Reads only.

import { undo } from '../../core/errors';
import type { Lease } from '../../core/model';
import { fail, ok } from '../../core/result';
import { leftBehind } from '../left-behind';
import { fromOutside, type StepContext, type StepDefinition, type StepResult } from '../step';

export const checkSettle: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, config, lease, operation } = context;
  if (lease.operation?.id === operation) return ok({});
  const reason = await leftBehind(ports, config, lease);
  if (!reason.ok) return fail(fromOutside(reason.error));
  if (reason.value === null) {
    return fail(undo('NotAbandoned', `nothing was left behind in ${config.name}: ${because(lease)}`, 'nothing to do'));
  }
  context.note(reason.value);
  return ok({});
}

/** Only a lease that is held has a VIP that was looked for. */
function because({ operation, phase }: Lease): string {
  if (operation !== null) return `${operation.id} is running`;
  return phase === 'held' ? 'the VIP is at the main' : `no operation is on the lease, which is ${phase}`;
}
