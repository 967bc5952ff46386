// One command document sent by SSM Run Command, and followed to its end. Must never read the output of a command that it did not
// send itself (T55), nor take "no such invocation" right after sending for a failure (T58), nor an end that the host has not
// reported for one that it has.

import {
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  SendCommandCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import type { OutsideProblem } from '../../core/errors';
import type { Clock, Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken, refused, unreachable } from '../problems';
import { asked } from './outside';

export interface Surroundings {
  ssm: SSMClient;
  clock: Clock;
  /** Between two looks at a command, in ms. */
  pollMs: number;
}

/** The least that SSM allows: what is not delivered within this is given up by SSM itself (T57), in s. */
const deliveryS = 30;

const notThere = 'InvalidInstanceId';
const notYet = 'InvocationDoesNotExist';

/** The id of the command. Refused: SSM knows one of the instances not, or its agent is not there. */
export async function send(
  { ssm }: Pick<Surroundings, 'ssm'>,
  document: string,
  instanceIds: readonly string[],
  values: Record<string, string | number>,
): Outside<string> {
  const command = new SendCommandCommand({
    DocumentName: document,
    InstanceIds: [...instanceIds],
    Parameters: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [String(value)]])),
    TimeoutSeconds: deliveryS,
  });
  const answer = await asked('ssm:SendCommand', () => ssm.send(command), [notThere]);
  if (!answer.ok) return answer;
  const id = answer.value.Command?.CommandId;
  return id ? ok(id) : fail(broken('SSM gave no command id', 'look at the endpoint that SSM is called at'));
}

/** Until the host says how it ended, or `endMs`: an SSM agent that is down leaves it in progress for ever (T13). */
export async function follow(
  { ssm, clock, pollMs }: Surroundings,
  instanceId: string,
  commandId: string,
  endMs: number,
): Outside<void> {
  const command = new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId });
  let last: string | OutsideProblem = 'not sent yet';
  do {
    const answer = await asked('ssm:GetCommandInvocation', () => ssm.send(command), [notYet]);
    if (!answer.ok && answer.error.code === 'Broken') return answer;
    const end = answer.ok ? ended(answer.value) : null;
    if (end) return end;
    last = answer.ok ? (answer.value.StatusDetails ?? answer.value.Status ?? 'unknown') : answer.error;
    await clock.sleep(pollMs);
  } while (clock.nowMs() < endMs);
  return fail(
    unreachable(
      `command ${commandId} on ${instanceId} has not ended in time`,
      'check that its SSM agent runs, then run the step again; the document does nothing twice at the same epoch',
      { commandId, last },
    ),
  );
}

/** Only a script that ran to its end has an exit code of its own; everything else that SSM calls an end is silence (T11). */
const saidItself = ({ Status, StatusDetails }: GetCommandInvocationCommandOutput): boolean =>
  Status === 'Failed' && (StatusDetails === undefined || StatusDetails === '' || StatusDetails === 'Failed');

/** What a terminal status says; null while it is still going on. */
function ended(invocation: GetCommandInvocationCommandOutput): Awaited<Outside<void>> | null {
  const { Status: status, StatusDetails: statusDetails, CommandId: commandId, InstanceId: instanceId } = invocation;
  const output = `${invocation.StandardOutputContent ?? ''}\n${invocation.StandardErrorContent ?? ''}`
    .trim()
    .slice(-2000);
  const details = { commandId, instanceId, status, statusDetails, exitCode: invocation.ResponseCode, output };
  if (status === 'Success') return ok(undefined);
  if (saidItself(invocation))
    return fail(
      refused(
        `${instanceId} says: ${output || `exit code ${invocation.ResponseCode}, no output`}`,
        'read the output, mend the host, run it again',
        details,
      ),
    );
  // Cut off half-way or never delivered: nobody knows how far it got.
  if (status === 'Failed' || status === 'TimedOut' || status === 'Cancelled')
    return fail(
      unreachable(
        `the command on ${instanceId} ended as ${statusDetails || status}`,
        'check that its SSM agent runs, then run the step again',
        details,
      ),
    );
  return null;
}
