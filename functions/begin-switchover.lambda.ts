// Lambda entry of the step `begin-switchover`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('begin-switchover');
