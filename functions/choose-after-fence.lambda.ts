// Lambda entry of the step `choose-after-fence`.

import { stepHandler } from './step-handler.lambda-shared';

export const handler = stepHandler('choose-after-fence');
