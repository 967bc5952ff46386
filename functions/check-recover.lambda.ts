// Lambda entry of the step `check-recover`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('check-recover');
