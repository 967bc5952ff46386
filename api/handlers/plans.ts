// What would happen: the plan of an operation, and the explanation of a cluster. Reads only, begins nothing.

import { checkBeginning } from '../../desk/begin';
import { explainSourcesOf, explanationOf } from '../../desk/explanation';
import { type PlanRequest, planOf } from '../../desk/plan';
import { Failure } from '../../desk/problems';
import type { Handler } from '../handle';
import { apiFailure } from '../problems';

export const explainCluster: Handler = async ({ desk, params: { cluster = '' } }) => ({
  status: 200,
  body: explanationOf(await explainSourcesOf(desk, cluster)),
});

export const planOperation: Handler = async ({ desk, who, params: { cluster = '' }, query }) => {
  const { kind, force, acceptLoss, ...asked } = query as Pick<PlanRequest, 'kind' | 'to' | 'force' | 'acceptLoss'>;
  if (kind === 'switchover') refuseFlags({ force, acceptLoss });
  const plan = await planOf(desk, { cluster, kind, to: asked.to, force, acceptLoss });
  // Loss is accepted of one node, the one that the plan names.
  const to = acceptLoss ? (plan.candidate ?? asked.to) : asked.to;
  const flags = { ...(force ? { force } : {}), ...(acceptLoss ? { acceptLoss } : {}) };
  const input = { cluster, by: who, ...(to === undefined ? {} : { to }), ...flags };
  const refusal = await checkBeginning(desk, kind, input).then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      const { code, message, next } = error.problem;
      return { code, message, next };
    },
  );
  return { status: 200, body: { ...plan, refusal } };
};

/** A plan that could never be applied is not shown. */
function refuseFlags(flags: Pick<PlanRequest, 'force' | 'acceptLoss'>): void {
  const given = Object.entries(flags).flatMap(([at, set]) => (set ? [at] : []));
  if (given.length === 0) return;
  const message = 'a switchover has no such thing: only a failover is forced, or loses data';
  throw apiFailure('BadRequest', `${given.join(', ')}: ${message}`, 'leave it out, or ask for kind=failover', {
    errors: given.map((at) => ({ in: 'query', at, message })),
  });
}
