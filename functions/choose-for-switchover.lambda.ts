// Lambda entry of the step `choose-for-switchover`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('choose-for-switchover');
