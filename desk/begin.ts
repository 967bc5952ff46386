// How an operation that a person asks for begins: checked as its first step would check it, under a name of its own. Starts
// nothing itself.

import type { OperationKind } from '../core/model';
import { checkFirst, type FirstStep } from './check';
import type { Desk } from './desk';
import type { OperationInput } from './operations';
import { failure } from './problems';

/** Abandoned operations are settled by the control plane itself. */
export type StartedByPeople = Exclude<OperationKind, 'settle'>;

const firstSteps: Record<StartedByPeople, FirstStep> = {
  failback: 'check-failback',
  switchover: 'preflight',
  failover: 'verify',
  recover: 'check-recover',
};

/** Fails with the problem with which the execution would be refused now. */
export async function checkBeginning(desk: Desk, kind: StartedByPeople, input: OperationInput): Promise<void> {
  refuseReservedName(input.by);
  await checkFirst(desk, firstSteps[kind], input);
}

/** Triggers go by this name, and a policy holds only them back. */
function refuseReservedName(by: string): void {
  if (by === 'automatic') throw failure('Usage', `--by must name a person, not 'automatic'`, 'leave --by out');
}

/** Execution names may have 80 characters of a small alphabet; the id only has to be unique for the cluster. */
export function operationName(cluster: string, kind: OperationKind, id: string): string {
  const short = id.replace(/[^A-Za-z0-9]/g, '').slice(-8);
  return `${cluster}-${kind}-${short}`;
}
