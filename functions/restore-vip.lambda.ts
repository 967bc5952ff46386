// Lambda entry of the step `restore-vip`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('restore-vip');
