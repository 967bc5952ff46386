// recover: is there a node to bring back, and a main to bring it back to? Reads only.

import { undo } from '../../core/errors';
import type { NodeName } from '../../core/model';
import { fail, ok } from '../../core/result';
import { reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

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
        `see: mainstay status ${config.name}`,
      ),
    );
  }
  if (lease.holder === node) return fail(undo('AlreadyMain', `${node} is the main`, 'nothing to recover'));
  if (!lease.shunned[node] && (await isWell(context, node))) {
    return fail(undo('NotShunned', `${node} is a healthy backup`, 'nothing to recover'));
  }
  return ok({});
}

/** Its report says so, and is followed by another: wall clocks do not tell a node that fell silent from one that is well (T7). */
async function isWell(context: StepContext, name: NodeName): Promise<boolean> {
  const look = async () => (await reportsOf(context)).find(({ node }) => node === name);
  const first = await look();
  if (first?.state !== 'backup' || !first.engine.streaming) return false;
  const { ports, config, deadlineAtMs } = context;
  const waitUntilMs = Math.min(deadlineAtMs, ports.clock.nowMs() + 1.5 * config.timings.reportMs);
  const next = await until(
    { ports, deadlineAtMs: waitUntilMs },
    async () => {
      const report = await look();
      return report && (report.seq !== first.seq || report.boot !== first.boot) ? report : null;
    },
    200,
  );
  return next?.state === 'backup' && next.engine.streaming;
}
