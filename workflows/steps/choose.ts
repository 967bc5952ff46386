// Picks the candidate among nodes that reported after the lease reached its present version: in a failover that is after
// the fence, so that positions are final (T28); in a switchover it is under the operation, so that they are fresh (T53).

import { best, type Evaluation, evaluate } from '../../core/candidates';
import { halt, undo } from '../../core/errors';
import type { OperationKind, Report } from '../../core/model';
import { fail, ok } from '../../core/result';
import { reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const choose = (kind: Extract<OperationKind, 'switchover' | 'failover'>): StepDefinition => ({
  needs: 'epoch',
  run: (context) => run(context, kind),
});

async function run(context: StepContext, kind: 'switchover' | 'failover'): StepResult {
  const { config, state } = context;
  const evaluations = await freshEvaluations(context, kind);
  context.note(evaluations.map(sentence).join('; '), { evaluations });
  const named = evaluations.find(({ node }) => node === state.to);
  const chosen = named?.eligible ? named : best(config, evaluations);
  if (kind === 'switchover') {
    // Begun on what preflight saw, which may have changed since (T53).
    if (context.lease.phase !== 'held')
      return fail(
        undo(
          'NotServing',
          `the lease of ${config.name} is ${context.lease.phase} now`,
          `see: mainstay status ${config.name}`,
        ),
      );
    if (named && !named.eligible) {
      return fail(
        undo('NotEligible', `${named.node} cannot become main: ${named.because}`, 'mend it, or name another node'),
      );
    }
    if (!chosen)
      return fail(undo('NoCandidate', `no backup can become main: ${reasons(evaluations)}`, 'mend one of them'));
  }
  if (!chosen)
    return fail(
      halt(
        'NobodyLeft',
        `nobody can take over: ${reasons(evaluations)}`,
        `mend a node, then: mainstay start ${config.name} --node NAME`,
      ),
    );
  context.note(`${chosen.node} chosen: ${chosen.because}`, { candidate: chosen.node });
  if (kind === 'failover') await noteLoss(context, chosen);
  return ok({ candidate: chosen.node, receivedBytes: chosen.receivedBytes ?? 0 });
}

/**
 * T27: everything that the old main acknowledged beyond the candidate's position is lost. How much that is, nobody can know
 * before its data is read: at least what its last report told of, and whatever came after that.
 */
async function noteLoss(context: StepContext, chosen: Evaluation): Promise<void> {
  const former = (await reportsOf(context)).find(({ node }) => node === context.lease.former);
  const beyondBytes = chosen.receivedBytes ?? 0;
  const atLeastBytes = Math.max(0, (former?.engine.received?.bytes ?? former?.final?.bytes ?? 0) - beyondBytes);
  context.note(
    `lost is what ${former?.node ?? 'the old main'} acknowledged beyond ${beyondBytes}: at least ${atLeastBytes} bytes by its report of ${former?.at ?? 'never'}`,
    { loss: { beyondBytes, atLeastBytes, sampledAt: former?.at ?? null } },
  );
}

/** Waits for everybody who may still speak, but not longer than a dead node needs to be told from a slow one. */
async function freshEvaluations(context: StepContext, kind: 'switchover' | 'failover'): Promise<Evaluation[]> {
  const { ports, config, lease } = context;
  const graceMs = 2 * config.timings.heartbeatMs + config.timings.storeTimeoutMs;
  const deadlineAtMs = Math.min(context.deadlineAtMs, ports.clock.nowMs() + graceMs);
  const awaited = config.nodes.filter(({ name }) => !lease.shunned[name]);
  let reports: Report[] = [];
  await until({ ports, deadlineAtMs }, async () => {
    reports = await reportsOf(context);
    const fresh = awaited.filter(({ name }) => reports.some((r) => r.node === name && r.seen.version >= lease.version));
    return fresh.length === awaited.length ? true : null;
  });
  return evaluate({
    config,
    lease,
    reports,
    freshSince: lease.version,
    mustStream: kind === 'switchover',
    // For the node that was named, and that a second person may have agreed to: nobody else is given a waiver (T54).
    acceptLoss: kind === 'failover' && context.state.acceptLoss ? context.state.to : undefined,
  });
}

const sentence = (e: Evaluation): string =>
  `${e.node}(stored=${e.receivedBytes ?? '?'}, applied=${e.appliedBytes ?? '?'}, lag=${e.lagBytes ?? '?'}): ${e.because}`;

const reasons = (evaluations: Evaluation[]): string =>
  evaluations.map(({ node, because }) => `${node}: ${because}`).join('; ');
