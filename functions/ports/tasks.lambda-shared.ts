// Step Functions for the functions that wake an execution which sleeps with a task token.

import { SFNClient } from '@aws-sdk/client-sfn';
import { createClient } from '../../adapters/aws/clients';
import { createTasks } from '../../adapters/aws/tasks';
import { controlPlane } from '../wiring.lambda-shared';

export const tasks = () => ({ tasks: createTasks(createClient(SFNClient, controlPlane)) });
