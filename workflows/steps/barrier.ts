// The candidate has everything the old main ever acknowledged: received up to its final position. Without this no transfer.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const barrier: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { lease, state } = context;
  const candidate = need(state, 'candidate');
  const final = need(state, 'final');
  const reached = await until(
    context,
    async () => {
      const report = (await reportsOf(context)).find(({ node }) => node === candidate);
      const received = report?.engine.running ? report.engine.received : null;
      return received && received.bytes >= final.bytes && received.timeline === final.timeline ? received : null;
    },
    25,
  );
  if (reached === null) {
    return fail(
      undo(
        'BarrierTimeout',
        `${candidate} did not reach ${final.bytes} in time`,
        'the switchover is undone; see its lag or its stream',
      ),
    );
  }
  context.note(`${candidate} has everything: ${reached.bytes} at epoch ${lease.epoch}`);
  return ok({});
}
