// settle: the lease names the main that everything is brought into line with. Where it names nobody who serves, the operation
// just ends: the agents' own announcements start the failover, and a paused service stays paused.

import { undo } from '../../core/errors';
import { fail, ok } from '../../core/result';
import type { StepContext, StepDefinition, StepResult } from '../step';

export const adopt: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { config, lease } = context;
  const { phase, holder, drain } = lease;
  if (holder === null || (phase !== 'held' && phase !== 'granted')) {
    return fail(
      undo('NotServing', `nobody serves ${config.name}: its lease is ${phase}`, `see: mainstay status ${config.name}`),
    );
  }
  if (drain === 'pause')
    return fail(undo('NotServing', `${config.name} is being paused by an operator`, `mainstay resume ${config.name}`));
  context.note(`${holder} is the main at epoch ${lease.epoch} (${phase}${drain ? `, draining for a ${drain}` : ''})`);
  return ok({ candidate: holder, oldMain: holder });
}
