// A plan that cannot go forward after its point of no return: the lock is released, so that the next failover or a person
// can act (T50), and a person is told. Touches nothing else.

import { attention } from '../../core/attention';
import { problemIn } from '../../core/errors';
import { ok } from '../../core/result';
import { sectionOf } from '../../core/runbook';
import type { StepContext, StepDefinition, StepResult } from '../step';
import { isOnLease, leaveLease } from './leave';

export const page: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { ports, config, state, lease, operation } = context;
  if (isOnLease(context)) {
    const ended = await leaveLease(context);
    context.note(ended.ok ? 'operation released' : `operation not released: ${ended.error.message}`);
  }
  const { problem } = state;
  const { message = 'the operation could not go on', next = `see: mainstay status ${config.name}` } =
    problemIn(problem?.Cause) ?? {};
  const because = `${operation} needs a person, ${problem?.Error ?? 'unknown'}: ${message}`;
  const notice = { because, next, section: sectionOf(problem?.Error) };
  const told = await ports.events.publish(
    attention(config.name, { ...notice, operation, problem: problem ?? null, phase: lease.phase, epoch: lease.epoch }),
  );
  context.note(told.ok ? 'a person is told' : `a person could not be told: ${told.error.message}`);
  return ok({});
}
