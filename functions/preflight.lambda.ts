// Lambda entry of the step `preflight`.

import { executions } from './ports/executions.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('preflight', executions);
