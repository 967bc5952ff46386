// Lambda entry of the step `adopt`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('adopt');
