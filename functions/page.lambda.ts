// Lambda entry of the step `page`.

import { events } from './ports/events.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('page', events);
