// Lambda entry of the step `confirm`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('confirm');
