// The proof that matters: somebody who stands where clients stand has written through the VIP at this epoch (T46, T47).
// Another node's agent does it; the main's own word is taken only when nobody else is left to ask. Meanwhile it is looked whether
// a VIP that spreads, as a DNS record does, is everywhere yet (T45): that is told, and decides nothing.

import { retry } from '../../core/errors';
import type { NodeName } from '../../core/model';
import { fail, ok } from '../../core/result';
import { changeLease, need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const confirm: StepDefinition = { needs: 'epoch', run };

/** A record takes up to a minute to be everywhere: nobody waits for that, the operation ends and says how far it has got. */
const vipBoundMs = 10_000;

async function run(context: StepContext): StepResult {
  const { ports, lease, state, deadlineAtMs } = context;
  const candidate = need(state, 'candidate');
  const asked = await changeLease(context, 'probe', () => ({
    operation: lease.operation ?? undefined,
    epoch: lease.epoch,
  }));
  if (!asked.ok) return fail(asked.error);
  const spread = howFarTheVipIs(context, candidate);
  const othersOnlyUntilMs = ports.clock.nowMs() + (deadlineAtMs - ports.clock.nowMs()) / 2;
  const seen = await until(context, async () => {
    const accepted = (await reportsOf(context)).filter(({ probe }) => probe?.accepted && probe.epoch === lease.epoch);
    const other = accepted.find(({ node }) => node !== candidate);
    return other ?? (ports.clock.nowMs() > othersOnlyUntilMs ? (accepted[0] ?? null) : null);
  });
  if (seen === null) {
    const nobody = `nobody could write through the VIP at epoch ${lease.epoch}`;
    const because = [nobody, (await spread) ?? []].flat().join('; the record is ');
    return fail(retry('NotYet', because, 'it is tried again, then a person is paged'));
  }
  context.note(`${seen.node} wrote through the VIP in ${Math.round(seen.probe?.ms ?? 0)} ms`);
  const found = await spread;
  if (found !== null) context.note(found);
  return ok({});
}

/** As a sentence; null for a VIP that does not spread. */
async function howFarTheVipIs(
  { ports, config, operation, deadlineAtMs }: StepContext,
  candidate: NodeName,
): Promise<string | null> {
  // An address was read back by its move. A record's move is in another branch of the plan, whose state is dropped.
  if (config.vip.kind === 'eip') return null;
  const told = await ports.journal.list(config.name, { operation, limit: 50 });
  const moves = told.ok ? told.value.filter(({ details }) => typeof details?.change === 'string') : [];
  const change = (moves.at(-1)?.details?.change as string | undefined) ?? null;
  const boundMs = Math.min(vipBoundMs, (deadlineAtMs - ports.clock.nowMs()) / 2);
  const seen = await ports.vip.verify(config, candidate, { change, boundMs });
  return seen.ok ? (seen.value?.because ?? null) : `not known to be in sync: ${seen.error.message}`;
}
