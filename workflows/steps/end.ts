// Takes the operation off the lease and tells everybody how it ended.

import { fail, ok } from '../../core/result';
import { noticeSections } from '../../core/runbook';
import type { StepContext, StepDefinition, StepResult } from '../step';
import { isOnLease, leaveLease } from './leave';

export const end: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, operation } = context;
  // A retry of an end whose reply was lost (T48): the operation is off the lease, and it was told how it ended.
  if (!isOnLease(context)) {
    context.note('already ended');
    return ok({});
  }
  const ended = await leaveLease(context);
  if (!ended.ok) return fail(ended.error);
  const outcome = state.degraded?.length ? 'degraded' : 'done';
  const published = await ports.events.publish({
    type: 'Operation Ended',
    cluster: config.name,
    detail: {
      operation,
      outcome,
      epoch: ended.value.epoch,
      main: ended.value.holder,
      degraded: state.degraded ?? [],
      because: `${operation} is ${outcome}: ${ended.value.holder ?? 'nobody'} is main at epoch ${ended.value.epoch}`,
      next: state.degraded?.length
        ? `see to ${state.degraded.join(', ')}: mainstay status ${config.name}`
        : `mainstay history ${config.name}`,
      section: noticeSections.ended,
    },
  });
  context.note(`${outcome}: ${ended.value.holder} is main at epoch ${ended.value.epoch}`, { outcome });
  if (!published.ok) context.note(`notification failed: ${published.error.message}`);
  return ok({});
}
