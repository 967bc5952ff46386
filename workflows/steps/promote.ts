// Waits until the candidate is main by its own proof: it renews a granted lease only once its engine is writable.

import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { need, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const promote: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease } = context;
  const candidate = need(state, 'candidate');
  const outcome = await until(
    context,
    async () => {
      const read = await ports.leases.read(config.name);
      if (!read.ok || read.value === null) return null;
      if (read.value.epoch !== lease.epoch || read.value.holder !== candidate) return 'moved on' as const;
      if (read.value.phase === 'abdicated') return 'gave up' as const;
      if (read.value.phase === 'paused') return 'stopped' as const;
      return read.value.phase === 'held' ? ('main' as const) : null;
    },
    25,
  );
  if (outcome === 'main') {
    context.note(`${candidate} is main at epoch ${lease.epoch}`);
    return ok({});
  }
  if (outcome === 'moved on')
    return fail(halt('StaleEpoch', 'the lease moved on during the promotion', `see: mainstay status ${config.name}`));
  // It was main, and a clean stop is no failure of it: the next candidate must not be tried (T60).
  if (outcome === 'stopped') {
    return fail(
      halt('StaleEpoch', `${candidate} became main and was stopped cleanly`, 'it is main again when its agent is back'),
    );
  }
  return fail(
    halt(
      'PromoteFailed',
      `${candidate} did not become main (${outcome ?? 'no answer in time'})`,
      'the next candidate is tried under a new epoch',
    ),
  );
}
