// Lambda entry of the step `claim`.

import { executions } from './ports/executions.lambda-shared';
import { poker } from './ports/poker.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('claim', executions, poker);
