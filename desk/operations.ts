// What commands need of Step Functions: start an execution, look at one. Implemented in step-functions.ts and, for tests,
// by a fake. Also reads what a failed execution left behind as `error` and `cause`.

import { problemIn } from '../core/errors';
import type { OperationKind } from '../core/model';
import type { Clock, Executions, JournalEntry, Outside } from '../core/ports';
import { ok } from '../core/result';
import { type CliCode, isCliCode } from './exit-codes';
import type { CliProblem } from './problems';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface Execution {
  /** By the state machine that it belongs to. */
  kind?: OperationKind;
  status: ExecutionStatus;
  /** `Family.Code` of the step's problem, or a name of Step Functions' own (`States.Timeout`). */
  error?: string;
  /** JSON of the problem, possibly inside Lambda's `{errorType, errorMessage}`. */
  cause?: string;
  /** JSON of what it was started with. */
  input?: string;
  /** JSON of the final WorkflowState. */
  output?: string;
}

export interface OperationInput {
  cluster: string;
  to?: string;
  node?: string;
  force?: boolean;
  by: string;
  reason?: string;
  acceptLoss?: boolean;
  approvedBy?: string;
  /** Of a plan that is applied: `request` tells two applications of it apart. */
  plan?: { id: string; epoch: number; request: string };
}

export interface Operations {
  /** Idempotent by name: the same name with the same input is the same execution. Refused: the name is taken. */
  start(kind: OperationKind, name: string, input: OperationInput): Outside<void>;
  /** null: no execution has this name. */
  describe(name: string): Outside<Execution | null>;
}

/** Between two looks for an execution that nobody knows: DescribeExecution is eventually consistent. */
const confirmAfterMs = 500;

/** The workflows' port. "Not running" lets somebody else take a lease over, so "never existed" must be heard twice (T50). */
export const executionsOf = ({ operations, clock }: { operations: Operations; clock: Clock }): Executions => ({
  running: async (name) => {
    const first = await operations.describe(name);
    if (!first.ok || first.value) return first.ok ? ok(first.value?.status === 'RUNNING') : first;
    await clock.sleep(confirmAfterMs);
    const second = await operations.describe(name);
    return second.ok ? ok(second.value?.status === 'RUNNING') : second;
  },
});

/**
 * Why an execution did not succeed, in the words of the step that failed: from its cause, or else from the journal's last
 * refusal (an execution that was aborted has no cause, and an emulator may lose it).
 */
export function problemOf(
  { cluster, operation }: { cluster: string; operation: string },
  execution: Execution,
  entries: readonly JournalEntry[] = [],
): CliProblem {
  const { status, error, cause } = execution;
  const look = `mainstay status ${cluster}`;
  const refused = status === 'ABORTED' || familyOf(error) ? undefined : lastRefusal(entries);
  const name = refused?.rule ?? error;
  const told = problemIn(cause) ?? (refused ? split(refused.because, `see: ${look}`) : null);
  return {
    code: codeOf(name),
    message:
      told?.message ?? `the execution ended as ${status}${error ? `: ${error}` : ''}${cause ? ` (${cause})` : ''}`,
    next: told?.next ?? `see: ${look}, and the execution ${operation} in the Step Functions console`,
    operation,
    ...(name ? { details: { execution: name } } : {}),
  };
}

const familyOf = (error: string | undefined): string | undefined => /^(Retry|Undo|Halt)\./.exec(error ?? '')?.[1];

/** What the control plane could not reach (Retry) is, to the one who asked, an operation that failed. */
function codeOf(error: string | undefined): CliCode {
  const code = error?.split('.')[1] ?? '';
  return familyOf(error) && familyOf(error) !== 'Retry' && isCliCode(code) ? code : 'OperationFailed';
}

/** One that was tried again is the reason only when there is no other. */
function lastRefusal(entries: readonly JournalEntry[]): JournalEntry | undefined {
  const refusals = entries.filter(({ kind }) => kind === 'refusal');
  return refusals.findLast(({ rule }) => familyOf(rule) !== 'Retry') ?? refusals.at(-1);
}

/** run-step journals a refusal as `message; next: what to do`. */
function split(because: string, look: string): { message: string; next: string } {
  const at = because.lastIndexOf('; next: ');
  if (at < 0) return { message: because, next: look };
  return { message: because.slice(0, at), next: because.slice(at + '; next: '.length) };
}
