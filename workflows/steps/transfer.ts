// switchover's point of no return: the drained main hands the lease to the candidate at the next epoch, in one write.

import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { changeLease, need, type StepContext, type StepDefinition, type StepResult } from '../step';

export const transfer: StepDefinition = { needs: 'operation', run };

async function run(context: StepContext): StepResult {
  const { lease, state } = context;
  const [candidate, oldMain, epoch, final] = [
    need(state, 'candidate'),
    need(state, 'oldMain'),
    need(state, 'epoch'),
    need(state, 'final'),
  ];
  const proof = {
    node: oldMain,
    epoch: epoch + 1,
    how: 'drained' as const,
    evidence: `stopped cleanly at ${final.bytes}`,
  };
  const handed = await changeLease(
    context,
    'transfer',
    () => ({ node: candidate, operation: lease.operation ?? undefined, epoch, proof, receivedBytes: final.bytes }),
    (now) => now.epoch === epoch + 1 && now.holder === candidate,
  );
  if (!handed.ok) {
    return fail(
      handed.error.code === 'LeaseRefused'
        ? halt('StaleEpoch', handed.error.message, `see: mainstay status ${lease.cluster}`)
        : handed.error,
    );
  }
  context.note(`epoch ${epoch} -> ${handed.value.epoch}: ${oldMain} to ${candidate}`);
  return ok({ epoch: handed.value.epoch, proof });
}
