// A plan that was shown, made into an execution's input again: exactly that plan, or the refusal that the state has changed.

import type { Desk } from './desk';
import type { OperationInput } from './operations';
import { type PlanRequest, planAgain } from './plan';

/**
 * The plan as input of an execution, with the name that every application of this plan has. `by`, and what tells one application
 * from another (`application`), make the input of two people different: one of them is told.
 */
export async function applied(
  desk: Desk,
  request: PlanRequest,
  input: OperationInput,
  { id, application }: { id: string; application: string },
): Promise<{ input: OperationInput; name: string }> {
  const { epoch, candidate } = await planAgain(desk, request, id);
  return {
    name: plannedName(request, id),
    input: { ...input, to: candidate, plan: { id, epoch, request: application } },
  };
}

export const plannedName = ({ cluster, kind }: Pick<PlanRequest, 'cluster' | 'kind'>, id: string): string =>
  `${cluster}-${kind}-${id.split('-').at(-1)}`;
