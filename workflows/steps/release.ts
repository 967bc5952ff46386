// The recovered node is no longer shunned; when nobody is, the hold a person asked to end is over.

import { fail, ok } from '../../core/result';
import { changeLease, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const release: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { state, lease } = context;
  const node = need(state, 'node');
  const released = await changeLease(context, 'release', () => ({ node, operation: lease.operation ?? undefined }));
  if (!released.ok) return fail(released.error);
  const left = Object.keys(released.value.shunned);
  context.note(
    left.length === 0
      ? `${node} is a backup again; hold cleared`
      : `${node} is a backup again; still shunned: ${left.join(', ')}`,
  );
  return ok({});
}
