// Lambda entry of the step `reopen`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('reopen');
