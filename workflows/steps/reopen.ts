// Undo of drain: the main, which never lost the lease, accepts writes again before this step is done.

import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { changeLease, need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const reopen: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { lease, state } = context;
  const oldMain = need(state, 'oldMain');
  const opened = await changeLease(context, 'reopen', () => ({
    operation: lease.operation ?? undefined,
    epoch: lease.epoch,
  }));
  if (!opened.ok) return fail(opened.error);
  const serving = await until(context, async () => {
    const report = (await reportsOf(context)).find(({ node }) => node === oldMain);
    return report && report.seen.version >= opened.value.version && report.engine.writable ? true : null;
  });
  if (serving === null) {
    return fail(
      halt(
        'Broken',
        `${oldMain} did not open again after the undone switchover`,
        'see its agent log; it holds the lease',
      ),
    );
  }
  context.note(`${oldMain} accepts writes again, same epoch ${lease.epoch}`);
  return ok({});
}
