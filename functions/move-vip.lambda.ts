// Lambda entry of the step `move-vip`.

import { vip } from './ports/vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('move-vip', vip);
