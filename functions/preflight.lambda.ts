// Lambda entry of the step `preflight`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('preflight');
