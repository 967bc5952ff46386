// Lambda entry of the step `end`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('end');
