// What the cluster's policy says to an operation that nobody asked for: every plan that a trigger may start has this in its first step.
// A policy that cannot be read forbids nothing: the store's own trouble must not keep a main from being replaced.

import { type StepProblem, undo } from '../../core/errors';
import type { NodeName } from '../../core/model';
import { policyNow } from '../../core/policy';
import type { StepContext } from '../step';

const words = { failover: 'failed over', switchover: 'moved the main role of' } as const;
const commands = { failover: 'failover', switchover: 'switch' } as const;

/**
 * Null when it may go on. `manual` and `maintenance` say what automatic would have done, until maintenance is over (T62): asked last, when
 * everything else says that it would. `candidate`: who would be chosen by what the nodes have reported.
 */
export async function policyForbids(
  { state, config, ports }: StepContext,
  kind: 'failover' | 'switchover',
  candidate: NodeName,
): Promise<StepProblem | null> {
  if (state.by !== 'automatic') return null;
  const read = await ports.settings.policy(config.name);
  const { mode, by, reason } = policyNow(read.ok ? read.value : null, ports.clock.wall());
  if (mode === 'automatic') return null;
  return undo(
    'Policy',
    `policy is ${mode} (${by}: ${reason}): automatic would have ${words[kind]} ${config.name} now, to ${candidate}`,
    `decide yourself: mainstay ${commands[kind]} ${config.name}`,
  );
}
