// Lambda entry of the step `begin-failback`.

import { executions } from './ports/executions.lambda-shared';
import { poker } from './ports/poker.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('begin-failback', executions, poker);
