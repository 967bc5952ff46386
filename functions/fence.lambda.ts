// Lambda entry of the step `fence`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('fence');
