// Lambda entry of the step `power-on`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('power-on');
