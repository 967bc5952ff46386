// Lambda entry of the step `verify`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('verify');
