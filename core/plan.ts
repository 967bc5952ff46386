// A workflow is a plan: steps as data, in order, with deadlines, retries, undo and the point of no return.
// infra renders plans to Step Functions, the interpreter runs the same data in a process. No code in a plan.

import type { OperationKind } from './model';

export interface Retry {
  /** Attempts after the first. */
  times: number;
  everyMs: number;
  backoff: number;
}

export interface PlanStep {
  /** State name: reads as an operator's checklist. */
  name: string;
  /** File in workflows/steps and function in functions/. */
  step: string;
  /** The step gives up by itself before this, in ms. */
  deadlineMs: number;
  retry: Retry;
  /** What to run, after later steps' undos, when this step or a later one fails before the point of no return. */
  undo?: { name: string; step: string; deadlineMs: number };
  /** From the start of this step on there is no way back, only forward. */
  pointOfNoReturn?: true;
  /** On `Halt.PromoteFailed` go on from the step of this name, with the next candidate under a new epoch. */
  elseFrom?: string;
  /** On `Halt.Unproven`: this step tells a person and keeps a task token; whoever answers it sends the plan back to the step before. */
  ask?: PlanStep & {
    /** How long the plan sleeps before it gives up, in ms. */
    waitMs: number;
  };
}

export type PlanEntry = PlanStep | { together: readonly [PlanStep, PlanStep]; name: string };

export interface Plan {
  kind: OperationKind;
  /** What the operator reads above the checklist. */
  comment: string;
  entries: readonly PlanEntry[];
  /** Ends the operation after the undo list; the execution then fails with the step's problem. */
  afterUndo: PlanStep;
  /** After the point of no return, when a step cannot go forward: release the lock, page a person. */
  page: PlanStep;
}

export const isTogether = (entry: PlanEntry): entry is Extract<PlanEntry, { together: unknown }> => 'together' in entry;

/** Every step of a plan, flat, with its undo steps: what needs a function. */
export function stepNames(plan: Plan): string[] {
  const flat = plan.entries.flatMap((entry) => (isTogether(entry) ? [...entry.together] : [entry]));
  const undos = flat.flatMap(({ undo }) => (undo ? [undo.step] : []));
  const asked = flat.flatMap(({ ask }) => (ask ? [ask.step] : []));
  return [...new Set([...flat.map(({ step }) => step), ...asked, ...undos, plan.afterUndo.step, plan.page.step])];
}
