// switchover: may it begin at all? Reads only; the dry run is this step alone. Everything is checked again under the
// operation by choose (T53).

import { best, type Evaluation, evaluate, hasJustBegun } from '../../core/candidates';
import { undo } from '../../core/errors';
import type { Report } from '../../core/model';
import { fail, ok } from '../../core/result';
import { reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';
import { policyForbids } from './policy';

export const preflight: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { config, lease, state, operation } = context;
  const { to } = state;
  if (to !== undefined && !config.nodes.some(({ name }) => name === to)) {
    const names = config.nodes.map(({ name }) => name).join(', ');
    return fail(undo('UnknownNode', `there is no node '${to}' in ${config.name} (nodes: ${names})`, 'check the name'));
  }
  if (to !== undefined && lease.holder === to) {
    return fail(undo('AlreadyMain', `${to} is already the main of ${config.name}`, 'nothing to do'));
  }
  if (lease.operation !== null && lease.operation.id !== operation) {
    const { id, kind, by, since } = lease.operation;
    const running = await context.ports.executions.running(id);
    if (!running.ok || running.value) {
      return fail(
        undo(
          'Busy',
          `${kind} ${id} by ${by} is running since ${since}`,
          `wait for it: mainstay watch ${config.name} --operation ${id}`,
        ),
      );
    }
  }
  if (lease.phase !== 'held') {
    return fail(
      undo(
        'NotServing',
        `a switchover needs a serving main, and the lease is ${lease.phase}`,
        `see: mainstay status ${config.name}`,
      ),
    );
  }
  const { reports, evaluations } = await settled(context);
  const named = evaluations.find(({ node }) => node === to);
  if (named && !named.eligible) {
    return fail(undo('NotEligible', `${to} cannot become main: ${named.because}`, 'mend it, or name another node'));
  }
  const candidate = best(config, evaluations);
  if (candidate === null) {
    const reasons = evaluations.map(({ node, because }) => `${node}: ${because}`).join('; ');
    return fail(undo('NoCandidate', `no backup of ${config.name} can become main: ${reasons}`, 'mend one of them'));
  }
  const forbidden = await policyForbids(context, 'switchover', to ?? candidate.node);
  if (forbidden) return fail(forbidden);
  const logical = reports.find(({ node }) => node === lease.holder)?.engine.logicalSlots ?? [];
  if (logical.length > 0)
    context.note(`logical replication slots stay behind, their consumers need new ones: ${logical.join(', ')}`, {
      logical,
    });
  return ok({});
}

/** Whoever has begun to follow a moment ago says so with its next report: that is waited for where nobody else could be chosen. */
async function settled(context: StepContext): Promise<{ reports: Report[]; evaluations: Evaluation[] }> {
  const { ports, config, lease, state } = context;
  const graceMs = 2 * config.timings.heartbeatMs + config.timings.storeTimeoutMs;
  const deadlineAtMs = Math.min(context.deadlineAtMs, ports.clock.nowMs() + graceMs);
  let reports: Report[] = [];
  let evaluations: Evaluation[] = [];
  await until({ ports, deadlineAtMs }, async () => {
    reports = await reportsOf(context);
    evaluations = evaluate({ config, lease, reports, freshSince: null, mustStream: true });
    const wanted = evaluations.filter(({ node }) => state.to === undefined || node === state.to);
    const soon = reports.some(
      (report) => wanted.some(({ node }) => node === report.node) && hasJustBegun(lease, report),
    );
    return soon && !wanted.some(({ eligible }) => eligible) ? null : true;
  });
  return { reports, evaluations };
}
