// Lambda entry of the step `restart`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('restart');
