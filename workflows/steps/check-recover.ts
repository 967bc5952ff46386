// recover: is there a node to bring back, and a main to bring it back to? Reads only.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { reportsOf, type StepContext, type StepDefinition, type StepResult } from '../step';

export const checkRecover: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { config, lease, state } = context;
  const { node } = state;
  if (node === undefined || !config.nodes.some(({ name }) => name === node)) {
    const names = config.nodes.map(({ name }) => name).join(', ');
    return fail(
      undo(
        'UnknownNode',
        `there is no node '${node ?? ''}' in ${config.name} (nodes: ${names})`,
        'say which node comes back',
      ),
    );
  }
  if (lease.phase !== 'held') {
    return fail(
      undo(
        'NotServing',
        `a node is recovered from a serving main, and the lease is ${lease.phase}`,
        'see: mainstay status',
      ),
    );
  }
  if (lease.holder === node) return fail(undo('AlreadyMain', `${node} is the main`, 'nothing to recover'));
  const report = (await reportsOf(context)).find((candidate) => candidate.node === node);
  // Wall clocks only tell a node that fell silent from one that is well; nothing is decided by them.
  const silentForMs = report
    ? Date.parse(context.ports.clock.wall()) - Date.parse(report.at)
    : Number.POSITIVE_INFINITY;
  const heard = silentForMs < 3 * config.timings.reportMs;
  if (!lease.shunned[node] && heard && report?.state === 'backup' && report.engine.streaming) {
    return fail(undo('NotShunned', `${node} is a healthy backup`, 'nothing to recover'));
  }
  return ok({});
}
