// Lambda entry of the step `reconfigure`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('reconfigure');
