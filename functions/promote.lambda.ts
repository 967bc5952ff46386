// Lambda entry of the step `promote`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('promote');
