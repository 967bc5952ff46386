// Lambda entry of the step `rejoin`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('rejoin');
