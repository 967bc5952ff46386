// Lambda entry of the step `withdraw-vip`.

import { vip } from './ports/vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('withdraw-vip', vip);
