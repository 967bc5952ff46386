// failback: may the role go back to the preferred node now? Reads only. By itself only under the policy automatic.

import { undo } from '../../core/errors';
import { judgeFailback } from '../../core/failback';
import { policyNow } from '../../core/policy';
import { fail, ok } from '../../core/result';
import { fromOutside, reportsOf, type StepContext, type StepDefinition, type StepResult } from '../step';
import { abandonedOperation } from './begin';

export const checkFailback: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, config, lease, state, operation } = context;
  const automatic = state.by === 'automatic';
  const policy = await ports.settings.policy(config.name);
  if (!policy.ok) return fail(fromOutside(policy.error));
  const { mode } = policyNow(policy.value, ports.clock.wall());
  if (automatic && mode !== 'automatic')
    return fail(undo('Policy', `policy is ${mode}: nothing moves by itself`, `mainstay failback ${config.name}`));
  if (lease.operation !== null && lease.operation.id !== operation && (await abandonedOperation(context)) === null) {
    const { kind, id, by } = lease.operation;
    return fail(undo('Busy', `${kind} ${id} by ${by} is running`, `wait for it: mainstay history ${config.name}`));
  }
  const reports = await reportsOf(context);
  const refused = judgeFailback({ config, lease, reports, automatic, now: ports.clock.wall() });
  if (refused) return fail(undo(refused.code, refused.message, refused.next));
  return ok({ to: config.failback?.prefer ?? '' });
}
