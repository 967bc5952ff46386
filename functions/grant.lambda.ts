// Lambda entry of the step `grant`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('grant');
