// Lambda entry of the step `withdraw-vip`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('withdraw-vip');
