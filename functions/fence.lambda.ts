// Lambda entry of the step `fence`.

import { events } from './ports/events.lambda-shared';
import { power } from './ports/power.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('fence', events, power);
