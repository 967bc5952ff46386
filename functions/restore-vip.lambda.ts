// Lambda entry of the step `restore-vip`.

import { vip } from './ports/vip.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('restore-vip', vip);
