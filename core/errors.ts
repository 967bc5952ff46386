// Every problem that Mainstay can name, in one shape: what, why, and what the reader does next.
// A step's problem belongs to one of three families, and Step Functions matches on `family.code`:
//   Retry: the same step again · Undo: run the undo list, end where we began · Halt: touch nothing more, page a person.

export interface Problem<Code extends string = string> {
  code: Code;
  /** What is wrong and why, in one sentence. */
  message: string;
  /** What the reader (person or machine) does next. */
  next: string;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** What a port may answer about the world outside. */
export type OutsideCode =
  /** No answer: it may or may not have happened. */
  | 'Unreachable'
  /** Answered no; `details` says who holds what. */
  | 'Refused'
  /** Answered nonsense, or a fault that no retry mends (permission, malformed item). */
  | 'Broken';
export type OutsideProblem = Problem<OutsideCode>;

export type Family = 'Retry' | 'Undo' | 'Halt';

/** The JSON object in a text, or null. */
export function jsonIn(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Unwraps JSON in JSON: Lambda's `errorMessage` and Step Functions' `Cause` each hold another text. */
export function problemIn(text: string | undefined, depth = 0): Pick<Problem, 'message' | 'next'> | null {
  const value = jsonIn(text);
  if (value === null || depth > 4) return null;
  if (typeof value.message === 'string' && typeof value.next === 'string') {
    return { message: value.message, next: value.next };
  }
  const inner = value.errorMessage ?? value.Cause ?? value.cause;
  return typeof inner === 'string' ? problemIn(inner, depth + 1) : null;
}

/** The codes of step problems by family: the only names that a state machine may have to match. */
export const stepCodes = {
  Retry: ['Unreachable', 'NotYet', 'Queued'],
  Undo: [
    'BadInput',
    'UnknownCluster',
    'UnknownNode',
    'Vacant',
    'NotServing',
    'AlreadyMain',
    'NotEligible',
    'NoCandidate',
    'Busy',
    'PlanChanged',
    'Healthy',
    'NotSilent',
    'NotShunned',
    'NotAbandoned',
    'Policy',
    'Braked',
    'CoolDown',
    'TooMany',
    'NotApproved',
    'NotAllowed',
    'Held',
    'DrainTimeout',
    'BarrierTimeout',
    'RejoinFailed',
    'PowerOnTimeout',
    'VipRefused',
    'LeaseRefused',
  ],
  Halt: ['StaleEpoch', 'Unproven', 'NobodyLeft', 'PromoteFailed', 'Broken'],
} as const satisfies Record<Family, readonly string[]>;

export type StepCode<F extends Family = Family> = (typeof stepCodes)[F][number];

export interface StepProblem extends Problem<StepCode> {
  family: Family;
}

/** The name under which Step Functions sees a step's problem, e.g. `Undo.AlreadyMain`. */
export const errorName = (problem: Pick<StepProblem, 'family' | 'code'>): string => `${problem.family}.${problem.code}`;

export const errorNames = (family: Family): string[] => stepCodes[family].map((code) => `${family}.${code}`);

const build =
  <F extends Family>(family: F) =>
  (code: StepCode<F>, message: string, next: string, details?: Record<string, unknown>): StepProblem => ({
    family,
    code,
    message,
    next,
    ...(details ? { details } : {}),
  });

export const retry = build('Retry');
export const undo = build('Undo');
export const halt = build('Halt');
