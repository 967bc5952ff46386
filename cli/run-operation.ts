// The way of every operation that the command line starts: check as its first step would, start the execution, tell what
// it does, and say how it ended. What differs between switch, failover and recover is in `Undertaking`.

import { checkBeginning, operationName, type StartedByPeople } from '../desk/begin';
import { type OperationInput, problemOf } from '../desk/operations';
import { type Outcome, outcomeOf } from '../desk/outcome';
import { Failure, failure, must } from '../desk/problems';
import { durationText } from '../desk/texts';
import { follow } from './follow';
import type { Screen } from './output';
import { progressLines } from './progress';
import type { Session } from './session';

export interface Undertaking {
  kind: StartedByPeople;
  input: OperationInput;
  /** Of a plan that is applied; a new one otherwise. */
  name?: string;
  /** Undefined: yes. */
  wait: boolean | undefined;
  timeoutMs: number;
  /** The line on success, without epochs and time. */
  success: (outcome: Outcome) => string;
  /** What an operator may want to do next, if anything. */
  after?: (outcome: Outcome) => string | null;
}

/** Ends with the operation, or with its name where nobody waits for it. */
export async function runOperation(session: Session, undertaking: Undertaking): Promise<void> {
  const outcome = await carryOut(session, undertaking);
  const { kind, input } = undertaking;
  const { cluster } = input;
  if (typeof outcome === 'string')
    return session.screen.document({ operation: outcome, cluster, kind, ended: 'running' });
  session.screen.document({ cluster, ...outcome, kind });
}

/** How it ended, told in lines on the way; the name of the execution when nobody waits for it. Ends the command when it fails. */
export async function carryOut(session: Session, undertaking: Undertaking): Promise<Outcome | string> {
  const { desk, screen } = session;
  const { kind, input, wait } = undertaking;
  await checkBeginning(desk, kind, input);
  const operation = undertaking.name ?? operationName(input.cluster, kind, desk.ids.next());
  const startedAtMs = desk.clock.nowMs();
  const started = await desk.operations.start(kind, operation, input);
  if (!started.ok && started.error.code === 'Refused') throw taken(input, operation);
  must(started);
  if (wait === false) {
    screen.line(operation);
    return operation;
  }
  const { execution, entries } = await follow(session, {
    cluster: input.cluster,
    operation,
    timeoutMs: undertaking.timeoutMs,
    onEntry: (entry) => progressLines(entry, { kind, paint: screen.paint }).forEach((line) => void screen.line(line)),
  });
  const outcome = outcomeOf(operation, entries, { execution, ms: Math.round(desk.clock.nowMs() - startedAtMs) });
  if (execution.status === 'SUCCEEDED') {
    conclude(screen, undertaking, outcome);
    return outcome;
  }
  screen.line(screen.paint.red(failureLine(undertaking, outcome)));
  throw new Failure(problemOf({ cluster: input.cluster, operation }, execution, entries));
}

/** One of two people who apply the same plan is told; so is one who applies it again when it is over. */
const taken = ({ cluster, plan }: OperationInput, operation: string): Failure =>
  failure(
    'Busy',
    `plan ${plan?.id ?? operation} was applied by somebody else`,
    `see: mainstay history ${cluster} --operation ${operation}`,
    operation,
  );

function conclude(screen: Screen, { success, after }: Undertaking, outcome: Outcome): void {
  const warnings = outcome.degraded.length > 0 ? `, BUT NOT FOR: ${outcome.degraded.join(', ')}` : '';
  screen.line(screen.paint.green(`${success(outcome)} WAS SUCCESSFUL (${measure(outcome)})${warnings}`));
  const hint = after?.(outcome);
  if (hint) screen.line(hint);
}

function measure({ epochBefore, epochAfter, method, ms }: Outcome): string {
  const epochs = epochBefore !== epochAfter ? `epoch ${epochBefore} -> ${epochAfter}` : `epoch ${epochAfter}`;
  return [epochs, ...(method ? [`by ${method}`] : []), durationText(ms)].join(', ');
}

function failureLine({ kind, input }: Undertaking, { ended, epochAfter }: Outcome): string {
  const what = `${kind.toUpperCase()} OF '${input.cluster}'`;
  if (ended === 'refused') return `${what} WAS REFUSED: nothing was changed`;
  if (ended === 'undone') return `${what} FAILED AND WAS UNDONE: same main, same epoch ${epochAfter}`;
  const person = ended === 'paged' ? ' AND NEEDS A PERSON' : '';
  return `${what} FAILED${person}: see mainstay status ${input.cluster}`;
}
