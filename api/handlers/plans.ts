// What would happen: the plan of an operation, and the explanation of a cluster. Reads only, begins nothing.

import { checkBeginning } from '../../desk/begin';
import { explanationOf } from '../../desk/explanation';
import { type PlannedKind, planOf, sourcesOf } from '../../desk/plan';
import { Failure } from '../../desk/problems';
import type { Handler } from '../handle';

export const explainCluster: Handler = async ({ desk, params: { cluster = '' } }) => ({
  status: 200,
  body: explanationOf({ ...(await sourcesOf(desk, cluster)), now: desk.clock.wall() }),
});

export const planOperation: Handler = async ({ desk, who, params: { cluster = '' }, query }) => {
  const { kind, to, force } = query as { kind: PlannedKind; to?: string; force?: boolean };
  const plan = await planOf(desk, { cluster, kind, to, force });
  const input = { cluster, by: who, ...(to === undefined ? {} : { to }), ...(force ? { force } : {}) };
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
