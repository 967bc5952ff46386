// Lambda entry of the step `drain`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('drain');
