// Would a failover of this cluster work now? The first step of one is run dry, as the command line does it, and what else would stand in
// its way is what `mainstay explain` finds. Reads only. What the policy holds back on purpose is not counted.

import { policyNow } from '../core/policy';
import { checkBeginning } from './begin';
import type { Desk } from './desk';
import { endingOf } from './exit-codes';
import { explainSourcesOf, findingsOf } from './explanation';
import { Failure } from './problems';

/** Why a failover would not work or would lose data; empty when it would work, or when there is no main to fail over. */
export async function notReady(desk: Desk, cluster: string): Promise<string[]> {
  try {
    const sources = await explainSourcesOf(desk, cluster, { journal: false });
    // Somebody works on it, and has said so.
    if (policyNow(sources.policy, sources.now).mode === 'maintenance') return [];
    await checkBeginning(desk, 'failover', { cluster, by: 'rounds' });
    return findingsOf({ ...sources, policy: null }).flatMap(({ level, what }) => (level === 'danger' ? [what] : []));
  } catch (error) {
    // What cannot be looked at is neither ready nor not.
    if (!(error instanceof Failure) || endingOf(error.problem.code) !== 'refused') throw error;
    const { code, message } = error.problem;
    // Whoever was never main cannot be lost, and an operation that is under way ends.
    return code === 'Vacant' || code === 'Busy' ? [] : [message];
  }
}
