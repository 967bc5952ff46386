// Lambda entry of the step `release`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('release');
