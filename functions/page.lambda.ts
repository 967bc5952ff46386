// Lambda entry of the step `page`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('page');
