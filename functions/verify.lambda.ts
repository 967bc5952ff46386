// Lambda entry of the step `verify`.

import { brake } from './ports/brake.lambda-shared';
import { events } from './ports/events.lambda-shared';
import { executions } from './ports/executions.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('verify', executions, events, brake);
