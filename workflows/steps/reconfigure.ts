// Waits until the other nodes follow the new main. Some may be down: then the cluster serves, degraded, and agents go on
// converging by themselves (T56). Never fails the operation: the main is serving.

import { ok } from '../../core/result';
import { need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const reconfigure: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { config, lease, state } = context;
  const candidate = need(state, 'candidate');
  const awaited = config.nodes.map(({ name }) => name).filter((name) => name !== candidate && !lease.shunned[name]);
  let missing = awaited;
  await until(context, async () => {
    const reports = await reportsOf(context);
    missing = awaited.filter(
      (name) =>
        !reports.some(
          ({ node, seen, engine }) =>
            node === name && seen.epoch >= lease.epoch && engine.streaming && engine.following === candidate,
        ),
    );
    return missing.length === 0 ? true : null;
  });
  const following = awaited.filter((name) => !missing.includes(name));
  context.note(
    missing.length === 0
      ? `${following.join(', ') || 'nobody else'} follows ${candidate}`
      : `degraded: ${missing.join(', ')} does not follow ${candidate} yet`,
  );
  return ok({ degraded: missing });
}
