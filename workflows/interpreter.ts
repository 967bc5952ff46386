// Runs a plan in this process: the same data that infra renders to Step Functions, with the same meaning of retry, undo,
// point of no return and else-from. Used by tests and the simulation; test/infra holds the two against each other.

import { errorName, type StepProblem } from '../core/errors';
import { isTogether, type Plan, type PlanEntry, type PlanStep, type Retry } from '../core/plan';
import { ok, type Result } from '../core/result';
import { inLine } from './plans/retries';
import { runStep } from './run-step';
import type { WorkflowState } from './state';
import type { Ports } from './step';

export interface Outcome {
  end: 'done' | 'undone' | 'paged';
  state: WorkflowState;
  problem: StepProblem | null;
  /** Names of the steps that ran, in order, undo included. */
  trace: string[];
}

export interface InterpretOptions {
  /** For faults between steps. */
  stepRunner?: typeof runStep;
  /** Redrive: the plan goes on at the entry that holds this step, with the state it had then as `input`. */
  from?: string;
}

/** `input` is what an execution would be given; `operation` its name. */
export async function interpret(
  ports: Ports,
  plan: Plan,
  input: unknown,
  operation: string,
  { stepRunner = runStep, from }: InterpretOptions = {},
): Promise<Outcome> {
  const run = new Run(ports, plan, operation, stepRunner);
  return run.from(from === undefined ? 0 : entryOf(plan, from), input as WorkflowState);
}

/** Index of the entry that runs this step; the first when it is a step of the undo list, which is not redriven. */
function entryOf(plan: Plan, step: string): number {
  const holds = (entry: PlanEntry) =>
    isTogether(entry) ? entry.together.some((one) => one.step === step) : entry.step === step;
  return Math.max(0, plan.entries.findIndex(holds));
}

class Run {
  private readonly trace: string[] = [];

  constructor(
    private readonly ports: Ports,
    private readonly plan: Plan,
    private readonly operation: string,
    private readonly stepRunner: typeof runStep,
  ) {}

  async from(index: number, state: WorkflowState): Promise<Outcome> {
    const entry = this.plan.entries[index];
    if (!entry) return { end: 'done', state, problem: null, trace: this.trace };
    const result = await this.entry(entry, state);
    if (result.ok) return this.from(index + 1, result.value);
    return this.failed(index, entry, state, result.error);
  }

  private async entry(entry: PlanEntry, state: WorkflowState): Promise<Result<WorkflowState, StepProblem>> {
    if (!isTogether(entry)) return this.step(entry, state);
    const [first, second] = await Promise.all(entry.together.map((step) => this.step(step, state)));
    // As in Step Functions, the branches' outputs are dropped and the first failure wins.
    if (first && !first.ok) return first;
    if (second && !second.ok) return second;
    return ok(state);
  }

  private async step(step: PlanStep, state: WorkflowState): Promise<Result<WorkflowState, StepProblem>> {
    this.trace.push(step.name);
    // As in Step Functions, each kind of retry is counted by itself.
    for (let [tried, waited] = [0, 0]; ; ) {
      const { step: name, deadlineMs } = step;
      const result = await this.stepRunner(this.ports, { step: name, state, operation: this.operation, deadlineMs });
      if (result.ok || result.error.family !== 'Retry') return result;
      const queued = result.error.code === 'Queued';
      if (queued ? waited >= inLine.times : tried >= step.retry.times) return result;
      await this.ports.clock.sleep(queued ? inLine.everyMs : waitMs(step.retry, tried));
      if (queued) waited += 1;
      else tried += 1;
    }
  }

  private async failed(index: number, entry: PlanEntry, state: WorkflowState, problem: StepProblem): Promise<Outcome> {
    const again = elseFrom(entry);
    if (again && problem.code === 'PromoteFailed') {
      return this.from(
        this.plan.entries.findIndex(({ name }) => name === again),
        state,
      );
    }
    const withProblem = { ...state, problem: { Error: errorName(problem), Cause: JSON.stringify(problem) } };
    // Halt touches nothing more; an undo would.
    const undone = canUndo(this.plan, index, problem) && (await this.undo(index, withProblem));
    if (undone) return { end: 'undone', state: withProblem, problem, trace: this.trace };
    await this.step(this.plan.page, withProblem);
    return { end: 'paged', state: withProblem, problem, trace: this.trace };
  }

  private async undo(index: number, state: WorkflowState): Promise<boolean> {
    for (const step of undoList(this.plan, index)) {
      const result = await this.step(step, state);
      if (!result.ok) return false;
    }
    return true;
  }
}

const waitMs = ({ everyMs, backoff }: Retry, tried: number): number => everyMs * backoff ** tried;

/** Where a plan goes on when its candidate could not become main. */
export function elseFrom(entry: PlanEntry): string | undefined {
  return isTogether(entry) ? entry.together.find((step) => step.elseFrom)?.elseFrom : entry.elseFrom;
}

/** Index of the entry from whose start on there is no way back. */
export const pointOfNoReturn = (plan: Plan): number =>
  plan.entries.findIndex((entry) => !isTogether(entry) && entry.pointOfNoReturn === true);

/** Undo is for entries before the point of no return, and for one that refused at it without having changed anything. */
export const canUndo = (plan: Plan, index: number, problem: Pick<StepProblem, 'family'>): boolean =>
  problem.family !== 'Halt' &&
  (index < pointOfNoReturn(plan) || (index === pointOfNoReturn(plan) && problem.family === 'Undo'));

/** Undo steps for a failure at this entry: its own first, then those before it, newest first, then the end of the operation. */
export function undoList(plan: Plan, index: number): PlanStep[] {
  const undos = plan.entries.slice(0, index + 1).flatMap((entry) => {
    if (isTogether(entry) || !entry.undo) return [];
    return [{ ...entry.undo, retry: plan.afterUndo.retry }];
  });
  return [...undos.reverse(), plan.afterUndo];
}
