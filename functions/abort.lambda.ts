// Lambda entry of the step `abort`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('abort');
