// Lambda entry of the step `fence`.

import { power } from './ports/power.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('fence', power);
