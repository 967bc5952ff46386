// A plan as an Amazon States Language definition. Pure: the same plan gives the same text. What it means is what
// workflows/interpreter.ts does; test/infra/plans.test.ts holds the two against each other.

import { errorNames } from '../core/errors';
import { isTogether, type Plan, type PlanEntry, type PlanStep } from '../core/plan';
import { askOf, elseFrom, pointOfNoReturn } from '../workflows/interpreter';
import { inLine } from '../workflows/plans/retries';

type State = Record<string, unknown>;
export interface Definition {
  Comment: string;
  StartAt: string;
  States: Record<string, State>;
}

/** Lambda's own faults: the step may or may not have run, and steps are idempotent. */
const lambdaFaults = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
];
/** Beyond the step's own deadline: cold start, last call to the store, and the reply. */
const graceS = 15;

/** Seconds after which Step Functions, and Lambda, give a step up. */
export const timeoutS = (deadlineMs: number): number => Math.ceil(deadlineMs / 1000) + graceS;

const UNDONE = 'Undone: as it was before';
const PAGED = 'Needs a person';

/** `functionArn` gives the ARN (or a token for it) of the function of a step, `partition` is that of the account. */
export function render(plan: Plan, functionArn: (step: string) => string, partition = 'aws'): Definition {
  const states: Record<string, State> = {};
  for (const [index, entry] of plan.entries.entries()) {
    const next = plan.entries[index + 1];
    const flow = { ...(next ? { Next: next.name } : { End: true }), Catch: catches(plan, index) };
    states[entry.name] = isTogether(entry)
      ? { ...together(entry, functionArn), ...flow }
      : { ...task(entry, functionArn), ...flow };
  }
  for (const entry of plan.entries) {
    const ask = askOf(entry);
    if (ask) states[ask.name] = { ...sleeping(ask, functionArn, partition), ...backTo(entry.name, plan.page.name) };
  }
  Object.assign(states, undoStates(plan, functionArn));
  states[plan.page.name] = {
    ...task(plan.page, functionArn),
    Next: PAGED,
    Catch: [toState(['States.ALL'], PAGED, null)],
  };
  states[UNDONE] = failWithProblem;
  states[PAGED] = failWithProblem;
  return { Comment: plan.comment, StartAt: plan.entries[0]?.name ?? '', States: states };
}

const failWithProblem: State = { Type: 'Fail', ErrorPath: '$.problem.Error', CausePath: '$.problem.Cause' };

function task({ step, deadlineMs, retry }: PlanStep, functionArn: (step: string) => string): State {
  const IntervalSeconds = Math.max(1, Math.round(retry.everyMs / 1000));
  return {
    Type: 'Task',
    Resource: functionArn(step),
    Parameters: { 'state.$': '$', 'operation.$': '$$.Execution.Name', deadlineMs },
    TimeoutSeconds: timeoutS(deadlineMs),
    Retry: [
      {
        // T66: neither is a failure; everybody's turn comes.
        ErrorEquals: ['Retry.Queued', 'Lambda.TooManyRequestsException'],
        IntervalSeconds: inLine.everyMs / 1000,
        MaxAttempts: inLine.times,
        BackoffRate: inLine.backoff,
      },
      {
        ErrorEquals: errorNames('Retry').filter((name) => name !== 'Retry.Queued'),
        IntervalSeconds,
        MaxAttempts: retry.times,
        BackoffRate: retry.backoff,
      },
      { ErrorEquals: lambdaFaults, IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 1.5 },
    ],
  };
}

/** Runs the step with a task token, and sleeps until somebody answers it. Each attempt has a token of its own. */
function sleeping(ask: NonNullable<PlanStep['ask']>, functionArn: (step: string) => string, partition: string): State {
  const { Resource, Parameters, ...state } = task(ask, functionArn);
  return {
    ...state,
    Resource: `arn:${partition}:states:::lambda:invoke.waitForTaskToken`,
    Parameters: { FunctionName: Resource, Payload: { ...(Parameters as State), 'token.$': '$$.Task.Token' } },
    TimeoutSeconds: Math.ceil(ask.waitMs / 1000),
  };
}

/** What it was told matters to nobody: the entry looks again. The problem stays the one that it was asked for. */
const backTo = (entry: string, page: string): State => ({
  ResultPath: null,
  Next: entry,
  Catch: [toState(['States.ALL'], page, null)],
});

function together(entry: Extract<PlanEntry, { together: unknown }>, functionArn: (step: string) => string): State {
  return {
    Type: 'Parallel',
    // What the branches found is on the lease and in the journal; the state goes on as it was.
    ResultPath: null,
    Branches: entry.together.map((step) => ({
      StartAt: step.name,
      States: { [step.name]: { ...task(step, functionArn), End: true } },
    })),
  };
}

/** A null path keeps the state as it was; without one the error would stand in its place. */
const toState = (errors: readonly string[], next: string, path: string | null = '$.problem'): State => ({
  ErrorEquals: errors,
  ResultPath: path,
  Next: next,
});

function catches(plan: Plan, index: number): State[] {
  const entry = plan.entries[index] as PlanEntry;
  const again = elseFrom(entry);
  const ask = askOf(entry);
  const page = toState(['States.ALL'], plan.page.name);
  const undo = firstUndo(plan, index);
  const noReturn = pointOfNoReturn(plan);
  const before = index < noReturn;
  return [
    ...(again ? [toState(['Halt.PromoteFailed'], again)] : []),
    ...(ask ? [toState(['Halt.Unproven'], ask.name)] : []),
    ...(before ? [toState(errorNames('Halt'), plan.page.name), toState(['States.ALL'], undo)] : []),
    ...(index === noReturn ? [toState(errorNames('Undo'), undo), page] : []),
    ...(index > noReturn ? [page] : []),
  ];
}

const undosUpTo = (plan: Plan, index: number) =>
  plan.entries.slice(0, index + 1).flatMap((entry) => (isTogether(entry) || !entry.undo ? [] : [entry.undo]));

const firstUndo = (plan: Plan, index: number): string => undosUpTo(plan, index).at(-1)?.name ?? plan.afterUndo.name;

/** The undo list as a chain, newest first; an undo that fails pages a person (T52). */
function undoStates(plan: Plan, functionArn: (step: string) => string): Record<string, State> {
  const undos = undosUpTo(plan, plan.entries.length);
  const failed = [toState(['States.ALL'], plan.page.name)];
  const chain = undos.map((undo, index): [string, State] => [
    undo.name,
    {
      ...task({ ...undo, retry: plan.afterUndo.retry }, functionArn),
      Next: undos[index - 1]?.name ?? plan.afterUndo.name,
      Catch: failed,
    },
  ]);
  return Object.fromEntries([
    ...chain,
    [plan.afterUndo.name, { ...task(plan.afterUndo, functionArn), Next: UNDONE, Catch: failed }],
  ]);
}
