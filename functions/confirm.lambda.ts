// Lambda entry of the step `confirm`.

import { vip } from './ports/vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('confirm', vip);
