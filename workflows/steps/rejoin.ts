// Waits while the node's agent keeps the evidence and then follows, rewinds or reseeds, whichever is the least that works.

import { retry, undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { need, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

/** A node that rejoins goes on reporting: so many reports missed, and it is off, or its agent is. */
const SILENT_REPORTS = 6;

export const rejoin: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, operation } = context;
  const node = need(state, 'node');
  const heard = { seq: -1, atMs: ports.clock.nowMs() };
  const result = await until(
    context,
    async () => {
      const lease = await ports.leases.read(config.name);
      // A late redrive may find that the node has become the main itself (T54).
      if (lease.ok && (lease.value?.phase !== 'held' || lease.value.holder === node)) return 'no main' as const;
      const report = (await reportsOf(context)).find(({ node: name }) => name === node);
      if (report?.rejoin?.operation === operation) return report.rejoin;
      if (report && report.seq !== heard.seq) Object.assign(heard, { seq: report.seq, atMs: ports.clock.nowMs() });
      return ports.clock.nowMs() - heard.atMs > SILENT_REPORTS * config.timings.reportMs ? ('silent' as const) : null;
    },
    200,
  );
  if (result === 'no main') {
    return fail(
      undo(
        'NotServing',
        `the main that ${node} was rejoining is not the main any more`,
        `recover ${node} once there is a main again`,
      ),
    );
  }
  if (result === 'silent') {
    return fail(
      undo(
        'RejoinFailed',
        `${node} fell silent while it was rejoining`,
        `look at the instance, then recover ${node} again`,
      ),
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
