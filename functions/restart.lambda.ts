// Lambda entry of the step `restart`.

import { poker } from './ports/poker.lambda-shared';
import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('restart', poker);
