// Waits while the node's agent keeps the evidence and then follows, rewinds or reseeds, whichever is the least that works.

import { retry, undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const rejoin: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, operation } = context;
  const node = need(state, 'node');
  const result = await until(
    context,
    async () => {
      const lease = await ports.leases.read(config.name);
      if (lease.ok && lease.value?.phase !== 'held') return 'no main' as const;
      const report = (await reportsOf(context)).find(({ node: name }) => name === node);
      return report?.rejoin?.operation === operation ? report.rejoin : null;
    },
    200,
  );
  if (result === 'no main') {
    return fail(
      undo('NotServing', `the main that ${node} was rejoining is lost`, `recover ${node} once there is a main again`),
    );
  }
  if (result === null) return fail(retry('NotYet', `${node} is still rejoining`, 'the step goes on waiting'));
  if (result.outcome === 'failed') {
    return fail(
      undo('RejoinFailed', `${node} could not rejoin: ${result.message}`, 'it stays shunned; see its agent log'),
    );
  }
  const kept = result.evidence ? `, evidence kept at ${result.evidence}` : ', nothing had diverged';
  context.note(`${node} rejoined by ${result.method}${kept}`, { method: result.method, evidence: result.evidence });
  return ok({});
}
