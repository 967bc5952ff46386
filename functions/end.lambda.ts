// Lambda entry of the step `end`.

import { events } from './ports/events.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('end', events);
