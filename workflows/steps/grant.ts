// The chosen candidate may be main: written only where a fence proof is recorded at this epoch.

import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { changeLease, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const grant: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { lease, state } = context;
  const candidate = need(state, 'candidate');
  const receivedBytes = need(state, 'receivedBytes');
  const granted = await changeLease(
    context,
    'grant',
    () => ({ node: candidate, operation: lease.operation ?? undefined, epoch: lease.epoch, receivedBytes }),
    (now) => now.epoch === lease.epoch && now.holder === candidate,
  );
  if (!granted.ok) {
    return fail(
      granted.error.code === 'LeaseRefused'
        ? halt('StaleEpoch', granted.error.message, `see: mainstay status ${lease.cluster}`)
        : granted.error,
    );
  }
  context.note(`granted to ${candidate} at epoch ${lease.epoch}`);
  return ok({});
}
