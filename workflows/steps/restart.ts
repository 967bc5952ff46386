// Points the consumers (seed 000's replicas) at the new main and restarts them, side by side. A consumer that cannot be
// reached leaves the operation degraded, not failed: the main is serving.

import { ok } from '../../core/result';
import { need, nodeOf, type StepContext, type StepDefinition, type StepResult } from '../step';

export const restart: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const main = nodeOf(config, need(state, 'candidate'));
  const failed = await Promise.all(
    config.consumers.map(async (consumer) => {
      const done = await ports.poker.redirect(consumer, config.name, main, lease.epoch);
      if (done.ok) return null;
      context.note(`consumer ${consumer.name} was not redirected: ${done.error.message}`);
      return consumer.name;
    }),
  );
  const missing = failed.filter((name) => name !== null);
  if (missing.length === 0) context.note(`${config.consumers.length} consumers restarted`);
  return ok({ degraded: [...(state.degraded ?? []), ...missing] });
}
