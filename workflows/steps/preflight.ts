// switchover: may it begin at all? Reads only; the dry run is this step alone. Everything is checked again under the
// operation by choose (T53).

import { best, evaluate } from '../../core/candidates';
import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { reportsOf, type StepContext, type StepDefinition, type StepResult } from '../step';
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
  const reports = await reportsOf(context);
  const evaluations = evaluate({
    config,
    lease,
    reports,
    freshSince: null,
    mustStream: true,
  });
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
