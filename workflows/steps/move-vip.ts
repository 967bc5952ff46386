// Gives the VIP to the node that the lease names, and reads it back. Whoever has it now held an older epoch (L5, T43).

import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { fromOutside, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const moveVip: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const candidate = need(state, 'candidate');
  const look = `see: mainstay status ${config.name}`;
  if (lease.holder !== candidate) {
    return fail(halt('StaleEpoch', `the lease names ${lease.holder}, not ${candidate}`, look));
  }
  const from = await ports.vip.read(config);
  if (!from.ok) return fail(fromOutside(from.error));
  // Whoever had it just now held an older epoch only if ours is still the present one: read after the VIP, not before (L5).
  const now = await ports.leases.read(config.name);
  if (!now.ok) return fail(fromOutside(now.error));
  if (now.value?.epoch !== lease.epoch || now.value.holder !== candidate)
    return fail(halt('StaleEpoch', 'the lease moved on while the VIP was looked at', look));
  const moved = await ports.vip.move(config, from.value, candidate, lease.epoch);
  if (!moved.ok) return fail(fromOutside(moved.error));
  // The state of a branch is dropped, so the journal tells `confirm` what the change is called.
  const { change } = moved.value;
  context.note(`VIP ${from.value ?? 'nobody'} -> ${candidate}`, change === null ? {} : { change });
  return ok({});
}
