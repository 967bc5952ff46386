// The proof that matters: somebody who stands where clients stand has written through the VIP at this epoch (T46, T47).
// Another node's agent does it; the main's own word is taken only when nobody else is left to ask.

import { retry } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { changeLease, need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const confirm: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, lease, state, deadlineAtMs } = context;
  const candidate = need(state, 'candidate');
  const asked = await changeLease(context, 'probe', () => ({
    operation: lease.operation ?? undefined,
    epoch: lease.epoch,
  }));
  if (!asked.ok) return fail(asked.error);
  const othersOnlyUntilMs = ports.clock.nowMs() + (deadlineAtMs - ports.clock.nowMs()) / 2;
  const seen = await until(context, async () => {
    const accepted = (await reportsOf(context)).filter(({ probe }) => probe?.accepted && probe.epoch === lease.epoch);
    const other = accepted.find(({ node }) => node !== candidate);
    return other ?? (ports.clock.nowMs() > othersOnlyUntilMs ? (accepted[0] ?? null) : null);
  });
  if (seen === null) {
    return fail(
      retry(
        'NotYet',
        `nobody could write through the VIP at epoch ${lease.epoch}`,
        'it is tried again, then a person is paged',
      ),
    );
  }
  context.note(`${seen.node} wrote through the VIP in ${Math.round(seen.probe?.ms ?? 0)} ms`);
  return ok({});
}
