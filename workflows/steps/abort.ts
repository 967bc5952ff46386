// Last of the undo list: the operation leaves the lease, if it ever was on it. The cluster is as it was before.

import { fail, ok } from '../../core/result';
import { changeLease, type StepContext, type StepDefinition, type StepResult } from '../step';

export const abort: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { lease, operation } = context;
  if (lease.operation?.id !== operation) {
    context.note('nothing was changed');
    return ok({});
  }
  const ended = await changeLease(
    context,
    'end',
    () => ({ operation: lease.operation ?? undefined }),
    (now) => now.operation?.id !== operation,
  );
  if (!ended.ok) return fail(ended.error);
  context.note(`undone: ${ended.value.holder ?? 'nobody'} holds the lease, same epoch ${ended.value.epoch}`);
  return ok({});
}
