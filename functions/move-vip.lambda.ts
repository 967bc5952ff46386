// Lambda entry of the step `move-vip`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('move-vip');
