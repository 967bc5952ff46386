// The main stops accepting writes, sends its followers everything, stops cleanly and reports its final position.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { changeLease, need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const drain: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { lease, state } = context;
  const oldMain = need(state, 'oldMain');
  const asked = await changeLease(context, 'drain', () => ({
    operation: lease.operation ?? undefined,
    epoch: lease.epoch,
  }));
  if (!asked.ok) return fail(asked.error);
  const final = await until(
    context,
    async () => {
      const report = (await reportsOf(context)).find(({ node }) => node === oldMain);
      // Written after it had read the drain: an earlier drain's position must not pass for this one's (T55).
      return report && report.seen.version >= asked.value.version && report.state === 'draining' ? report.final : null;
    },
    25,
  );
  if (final === null) {
    return fail(
      undo('DrainTimeout', `${oldMain} did not stop in time`, 'the switchover is undone; see what keeps it busy'),
    );
  }
  context.note(`${oldMain} is stopped cleanly at ${final.bytes} on timeline ${final.timeline}`, { final });
  return ok({ final });
}
