// Lambda entry of the step `transfer`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('transfer');
