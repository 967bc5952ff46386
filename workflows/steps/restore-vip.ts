// Undo of withdraw-vip: the VIP goes back to the main, which never lost the lease.

import { fail, ok } from '../../core/result';
import { fromOutside, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const restoreVip: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const oldMain = need(state, 'oldMain');
  const done = await ports.vip.move(config, null, oldMain, lease.epoch);
  if (!done.ok) return fail(fromOutside(done.error));
  context.note(`VIP given back to ${oldMain}`);
  return ok({});
}
