// Lambda entry of the step `confirm`.

import { recordVip } from './ports/record-vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('confirm', recordVip);
