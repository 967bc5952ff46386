// Takes the VIP from the old main before anything stops, so that clients wait instead of failing half-way (T43).

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { fromOutside, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const withdrawVip: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const oldMain = need(state, 'oldMain');
  const done = await ports.vip.withdraw(config, oldMain, lease.epoch);
  if (!done.ok) {
    return fail(
      done.error.code === 'Refused' ? undo('VipRefused', done.error.message, done.error.next) : fromOutside(done.error),
    );
  }
  context.note(`VIP taken from ${oldMain}`);
  return ok({});
}
