// Lambda entry of the step `power-on`.

import { power } from './ports/power.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('power-on', power);
