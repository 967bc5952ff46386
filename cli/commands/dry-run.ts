// --dry-run and --apply of switch and failover: shows the plan that would run, or starts exactly the one that was shown.
// JSON of --dry-run: OperationPlan (plan.ts) and `dryRun: true`.

import { checkBeginning } from '../../desk/begin';
import type { OperationInput } from '../../desk/operations';
import { type OperationPlan, type PlanRequest, planAgain, planOf } from '../../desk/plan';
import { durationText } from '../../desk/texts';
import { evaluationText } from '../progress';
import type { Session } from '../session';

const title = { switchover: 'A SWITCHOVER', failover: 'A FAILOVER' } as const;

/** The evaluation is shown also when the answer is no: it says what has to be mended. */
export async function dryRun(request: PlanRequest, input: OperationInput, { desk, screen }: Session): Promise<void> {
  const plan = await planOf(desk, request);
  for (const evaluation of plan.evaluations) screen.line(evaluationText(evaluation));
  await checkBeginning(desk, request.kind, input);
  for (const line of drawPlan(plan)) screen.line(line);
  const { kind, candidate, from, epoch, id, cluster } = plan;
  screen.line(screen.paint.green(`${title[kind]} WOULD GO TO '${candidate}' (now '${from}', epoch ${epoch})`));
  const verb = kind === 'switchover' ? 'switch' : 'failover';
  screen.line(`to run exactly this: mainstay ${verb} ${cluster}${flags(request)} --apply ${id}`);
  screen.document({ dryRun: true, ...plan });
}

const flags = ({ force, acceptLoss }: PlanRequest): string =>
  `${force ? ' --force' : ''}${acceptLoss ? ' --accept-loss' : ''}`;

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

/** The plan as input of an execution, with the name that every application of this plan has. */
export async function applied(
  request: PlanRequest,
  input: OperationInput,
  id: string,
  { desk }: Session,
): Promise<{ input: OperationInput; name: string }> {
  const { epoch, candidate } = await planAgain(desk, request, id);
  const name = `${request.cluster}-${request.kind}-${id.split('-').at(-1)}`;
  // Two people who apply one plan have different inputs: one of them is told (StartExecution is idempotent by name and input).
  return { name, input: { ...input, to: candidate, plan: { id, epoch, request: desk.ids.next() } } };
}
