// Step Functions for the functions that ask whether another operation still runs.

import { SFNClient } from '@aws-sdk/client-sfn';
import { createClient } from '../../adapters/aws/clients';
import { createExecutions } from '../../adapters/aws/executions';
import type { Clock } from '../../core/ports';
import { controlPlane, stateMachineArns } from '../wiring.lambda-shared';

export const executions = (clock: Clock) => ({
  executions: createExecutions(createClient(SFNClient, controlPlane), {
    stateMachineArns: stateMachineArns(),
    clock,
    confirmAfterMs: 1000,
  }),
});
