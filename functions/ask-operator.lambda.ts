// Lambda entry of the step `ask-operator`.

import { events } from './ports/events.lambda-shared';
import { poker } from './ports/poker.lambda-shared';
import { power } from './ports/power.lambda-shared';
import { tasks } from './ports/tasks.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('ask-operator', events, poker, power, tasks);
