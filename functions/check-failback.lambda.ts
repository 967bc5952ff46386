// Lambda entry of the step `check-failback`.

import { executions } from './ports/executions.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('check-failback', executions);
