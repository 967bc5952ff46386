// --dry-run of switch and failover: shows the plan that would run. --apply starts exactly that one (desk/apply.ts).

import { checkBeginning } from '../../desk/begin';
import { configOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import type { OperationInput } from '../../desk/operations';
import { commandOf, type OperationPlan, type PlanRequest, planOf } from '../../desk/plan';
import { durationText } from '../../desk/texts';
import { evaluationText } from '../progress';
import type { Session } from '../session';

const title = { switchover: 'A SWITCHOVER', failover: 'A FAILOVER' } as const;

/** The evaluation is shown also when the answer is no: it says what has to be mended. */
export async function dryRun(request: PlanRequest, input: OperationInput, { desk, screen }: Session): Promise<void> {
  const plan = await planOf(desk, request);
  for (const evaluation of plan.evaluations) screen.line(evaluationText(evaluation));
  // Whether somebody else agrees is asked when it is meant; everything else that would refuse it is told now.
  const secondPerson = request.acceptLoss === true && (await takesTwo(desk, request));
  // Loss is accepted of one node, the one that the plan names.
  const named = request.acceptLoss && plan.candidate !== null ? { ...input, to: plan.candidate } : input;
  await checkBeginning(desk, request.kind, secondPerson ? { ...named, ...approved(plan.id, plan.epoch) } : named);
  for (const line of drawPlan(plan)) screen.line(line);
  const { kind, candidate, from, epoch, id } = plan;
  screen.line(screen.paint.green(`${title[kind]} WOULD GO TO '${candidate}' (now '${from}', epoch ${epoch})`));
  const command = commandOf(request);
  screen.line(
    secondPerson
      ? `this takes a second person: ask with ${command} --reason TEXT, and another one approves`
      : `to run exactly this: ${command} --apply ${id}`,
  );
  screen.document({ dryRun: true, ...(secondPerson ? { secondPerson } : {}), ...plan });
}

const takesTwo = async (desk: Desk, { cluster }: PlanRequest): Promise<boolean> =>
  (await configOf(desk, cluster)).acceptLoss === 'second-person';

/** As the input would be with the second person's yes; nothing is started with it. */
const approved = (id: string, epoch: number) => ({
  approvedBy: 'a second person',
  plan: { id, epoch, request: 'dry-run' },
});

function drawPlan({ id, steps, expected, atRisk }: OperationPlan): string[] {
  const marks = steps.map(({ name, undo, pointOfNoReturn }, index) => {
    const after = pointOfNoReturn ? '  <- from here on only forward' : undo ? `  (${undo})` : '';
    return `  ${String(index + 1).padStart(2)}  ${name}${after}`;
  });
  return [
    `PLAN ${id}`,
    ...marks,
    `  no writes for about ${durationText(expected.writeGapMs)} (${expected.source})`,
    `  at risk: ${atRisk}`,
  ];
}
