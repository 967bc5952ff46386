// Lambda entry of the step `barrier`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('barrier');
