// Wakes an execution that sleeps with a task token. Port: Tasks. The answer that is sent carries nothing: whoever wakes looks
// again. A token whose task has ended, timed out or been stopped is Refused, and nothing has happened.

import { SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type { Outside, Tasks } from '../../core/ports';
import { ok } from '../../core/result';
import { asked } from './outside';

/** An attempt whose reply was lost has ended the task: the second one finds it gone, which is what was wanted (T3). */
const gone = ['TaskDoesNotExist', 'TaskTimedOut', 'InvalidToken'];

async function wake(sfn: SFNClient, taskToken: string): Outside<void> {
  const command = new SendTaskSuccessCommand({ taskToken, output: '{}' });
  const sent = await asked('states:SendTaskSuccess', () => sfn.send(command), gone);
  return sent.ok ? ok(undefined) : sent;
}

export const createTasks = (sfn: SFNClient): Tasks => ({ wake: (token) => wake(sfn, token) });
