// Puts this operation on the lease: from here on nobody else may change it, and agents look ten times as often.
// An operation whose execution has ended is taken over (T50).

import { undo } from '../../core/errors';
import type { OperationKind } from '../../core/model';
import { fail, ok } from '../../core/result';
import type { WorkflowState } from '../state';
import { changeLease, poke, type StepContext, type StepDefinition, type StepResult } from '../step';

export const begin = (kind: OperationKind): StepDefinition => ({
  needs: 'nothing',
  run: (context) => run(context, kind),
});

async function run(context: StepContext, kind: OperationKind): StepResult {
  const { ports, config, state, operation } = context;
  const abandoned = await abandonedOperation(context);
  const begun = await changeLease(context, 'begin', () => ({
    operation: {
      id: operation,
      kind,
      by: state.by ?? 'operator',
      since: ports.clock.wall(),
      ...(state.node === undefined ? {} : { node: state.node }),
    },
    ...(abandoned === null ? {} : { abandoned }),
    ...(kind === 'failback' && state.to !== undefined ? { reserve: state.to } : {}),
  }));
  if (!begun.ok) {
    return fail(
      begun.error.code === 'LeaseRefused'
        ? undo('Busy', begun.error.message, `wait for it: mainstay watch ${config.name}`)
        : begun.error,
    );
  }
  if (abandoned !== null) context.note(`taken over from ${abandoned}, whose execution has ended`);
  context.note(`${kind} begun at epoch ${begun.value.epoch}${asked(state)}`, {
    ...whoAsked(state),
    oldMain: begun.value.holder,
  });
  if (state.plan && state.plan.epoch !== begun.value.epoch)
    return fail(
      undo(
        'PlanChanged',
        `plan ${state.plan.id} was made at another epoch than ${begun.value.epoch}`,
        'make a new plan',
      ),
    );
  await poke(context, begun.value);
  return ok({ epoch: begun.value.epoch, epochBefore: begun.value.epoch, oldMain: begun.value.holder });
}

/** Who and why, for the journal: the entry of the first step that changes anything carries it. */
export const whoAsked = ({ by, reason }: WorkflowState): Record<string, unknown> => ({
  by: by ?? 'operator',
  ...(reason === undefined ? {} : { reason }),
});

const asked = ({ by, reason }: WorkflowState): string =>
  `, asked for by ${by ?? 'operator'}${reason === undefined ? '' : `: ${reason}`}`;

/** The operation on the lease if its execution is known to have ended; null when there is none or it may still run. */
export async function abandonedOperation({ ports, lease, operation }: StepContext): Promise<string | null> {
  if (lease.operation === null || lease.operation.id === operation) return null;
  const running = await ports.executions.running(lease.operation.id);
  return running.ok && !running.value ? lease.operation.id : null;
}
