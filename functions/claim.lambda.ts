// Lambda entry of the step `claim`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('claim');
