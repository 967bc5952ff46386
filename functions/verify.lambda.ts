// Lambda entry of the step `verify`.

import { executions } from './ports/executions.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('verify', executions);
