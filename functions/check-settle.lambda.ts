// Lambda entry of the step `check-settle`.

import { executions } from './ports/executions.lambda-shared';
import { vip } from './ports/vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('check-settle', executions, vip);
