// Every named scenario by its title.

import type { Scenario } from './scenario';
import { failsafeScenarios } from './scenarios-failsafe';
import { leaseScenarios } from './scenarios-lease';
import { lossScenarios } from './scenarios-loss';
import { workflowScenarios } from './scenarios-workflow';

export const scenarios: Record<string, Scenario> = {
  ...failsafeScenarios,
  ...leaseScenarios,
  ...lossScenarios,
  ...workflowScenarios,
};

/** Runs the one scenario whose title has this in it, and gives its story. */
export async function runScenario(name: string): Promise<string[]> {
  const all = Object.keys(scenarios);
  const found = all.filter((title) => title === name || title.includes(name));
  const [title] = found;
  if (title === undefined || found.length > 1) {
    throw new Error(
      `'${name}' names ${found.length} scenarios; say more of one of these:\n  ${(title ? found : all).join('\n  ')}`,
    );
  }
  const world = await (scenarios[title] as Scenario)();
  if (world.witness.broken) throw world.witness.broken;
  return world.story;
}
