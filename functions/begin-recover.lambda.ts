// Lambda entry of the step `begin-recover`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('begin-recover');
