// failover's point of no return: nobody holds the lease any more, the epoch grows, the old main is shunned, in one
// conditional write on exactly what was watched. A retry of a claim that succeeded finds its own operation (T48).

import { halt, undo } from '../../core/errors';
import type { Lease } from '../../core/model';
import { fail, ok } from '../../core/result';
import { changeLease, need, poke, type StepContext, type StepDefinition, type StepResult } from '../step';
import { abandonedOperation, whoAsked } from './begin';

export const claim: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, state, lease, operation } = context;
  const watched = need(state, 'watched');
  const abandoned = await abandonedOperation(context);
  // Our own candidate failed to become main: the claim is repeated on the lease as it is now. The same when forced.
  const unconditional = state.force === true || lease.operation?.id === operation;
  const result = await changeLease(
    context,
    'claim',
    (current) => ({
      // Whatever it has renewed since, but of this epoch and no later one (T48).
      watched: unconditional ? { epoch: lease.epoch, renewals: current.renewals } : watched,
      operation: {
        id: operation,
        kind: 'failover',
        by: state.by ?? 'operator',
        since: lease.operation?.id === operation ? lease.operation.since : ports.clock.wall(),
      },
      ...(abandoned === null ? {} : { abandoned }),
      ...(state.by === 'automatic' ? { attempt: { operation, at: ports.clock.wall() } } : {}),
    }),
    // Another invocation has claimed, and perhaps gone on: its candidate must not lose the lease to a late one (T48).
    (current) => current.operation?.id === operation && current.epoch !== state.epoch,
  );
  if (!result.ok) {
    // After a first claim of our own there is no way back: somebody else has gone on.
    if (state.epoch !== undefined && result.error.code === 'LeaseRefused')
      return fail(halt('StaleEpoch', result.error.message, `see: mainstay status ${lease.cluster}`));
    return fail(
      result.error.code === 'LeaseRefused'
        ? undo('NotSilent', result.error.message, `nothing was changed: see mainstay status ${lease.cluster}`)
        : result.error,
    );
  }
  context.note(
    `epoch ${result.value.epoch - 1} -> ${result.value.epoch}; ${result.value.former ?? 'nobody'} is shunned`,
    { ...whoAsked(state), oldMain: result.value.former },
  );
  // A forced claim surprises the agents; an overdue lease has them looking ten times as often already.
  if (state.force) await poke(context, result.value);
  return ok(claimed(result.value, state.epochBefore ?? result.value.epoch - 1));
}

const claimed = (lease: Lease, epochBefore: number | undefined) => ({
  epoch: lease.epoch,
  epochBefore: epochBefore ?? lease.epoch - 1,
  oldMain: lease.former,
});
