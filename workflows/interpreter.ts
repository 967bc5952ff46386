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

export interface Sleep {
  /** A new task token. */
  begin(): string;
  /** True when somebody has answered it, false when nobody did in time. */
  ended(token: string, timeoutMs: number): Promise<boolean>;
}

export interface InterpretOptions {
  /** For faults between steps. */
  stepRunner?: typeof runStep;
  /** How an execution sleeps with a task token. Without it nobody can be waited for, and an ask ends as if its time were over. */
  sleep?: Sleep;
  /** Redrive: the plan goes on at the entry that holds this step, with the state it had then as `input`. */
  from?: string;
}

/** `input` is what an execution would be given; `operation` its name. */
export async function interpret(
  ports: Ports,
  plan: Plan,
  input: unknown,
  operation: string,
  { stepRunner = runStep, from, sleep = nobodyWakes }: InterpretOptions = {},
): Promise<Outcome> {
  const run = new Run(ports, plan, operation, { stepRunner, sleep });
  const index = from === undefined ? 0 : entryOf(plan, from);
  const asleep = plan.entries[index];
  if (asleep && from !== undefined && askOf(asleep)?.step === from) return run.again(index, input as WorkflowState);
  return run.from(index, input as WorkflowState);
}

const nobodyWakes: Sleep = { begin: () => 'nobody wakes it', ended: async () => false };

/** Index of the entry that runs this step, or asks by it; the first when it is a step of the undo list, which is not redriven. */
function entryOf(plan: Plan, step: string): number {
  const holds = (entry: PlanEntry) =>
    isTogether(entry) ? entry.together.some((one) => one.step === step) : [entry.step, entry.ask?.step].includes(step);
  return Math.max(0, plan.entries.findIndex(holds));
}

class Run {
  private readonly trace: string[] = [];

  constructor(
    private readonly ports: Ports,
    private readonly plan: Plan,
    private readonly operation: string,
    private readonly options: Required<Pick<InterpretOptions, 'stepRunner' | 'sleep'>>,
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

  private async step(
    step: PlanStep,
    state: WorkflowState,
    newToken: () => { token?: string } = () => ({}),
  ): Promise<Result<WorkflowState, StepProblem>> {
    this.trace.push(step.name);
    // As in Step Functions, each kind of retry is counted by itself.
    for (let [tried, waited] = [0, 0]; ; ) {
      const { step: name, deadlineMs } = step;
      const call = { step: name, state, operation: this.operation, deadlineMs, ...newToken() };
      const result = await this.options.stepRunner(this.ports, call);
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
    if (askOf(entry) && problem.code === 'Unproven') return this.again(index, withProblem);
    // Halt touches nothing more; an undo would.
    const undone = canUndo(this.plan, index, problem) && (await this.undo(index, withProblem));
    if (undone) return { end: 'undone', state: withProblem, problem, trace: this.trace };
    await this.step(this.plan.page, withProblem);
    return { end: 'paged', state: withProblem, problem, trace: this.trace };
  }

  /** Asks, sleeps, and goes back to the entry; paged when nobody answers. */
  async again(index: number, state: WorkflowState): Promise<Outcome> {
    const ask = askOf(this.plan.entries[index] as PlanEntry);
    if (ask && (await this.asked(ask, state))) return this.from(index, state);
    await this.step(this.plan.page, state);
    const problem = state.problem ? (JSON.parse(state.problem.Cause) as StepProblem) : null;
    return { end: 'paged', state, problem, trace: this.trace };
  }

  private async asked(ask: NonNullable<PlanStep['ask']>, state: WorkflowState): Promise<boolean> {
    let token = '';
    const newToken = () => {
      token = this.options.sleep.begin();
      return { token };
    };
    const result = await this.step(ask, state, newToken);
    return result.ok && this.options.sleep.ended(token, ask.waitMs);
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

/** How a plan asks a person when this entry could not prove what it had to. */
export const askOf = (entry: PlanEntry): PlanStep['ask'] => (isTogether(entry) ? undefined : entry.ask);

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
