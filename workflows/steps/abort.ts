// Last of the undo list: the operation leaves the lease, if it ever was on it. The cluster is as it was before.

import { fail, ok } from '../../core/result';
import type { StepContext, StepDefinition, StepResult } from '../step';
import { isOnLease, leaveLease } from './leave';

export const abort: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  if (!isOnLease(context)) {
    context.note('nothing was changed');
    return ok({});
  }
  const ended = await leaveLease(context);
  if (!ended.ok) return fail(ended.error);
  context.note(`undone: ${ended.value.holder ?? 'nobody'} holds the lease, same epoch ${ended.value.epoch}`);
  return ok({});
}
