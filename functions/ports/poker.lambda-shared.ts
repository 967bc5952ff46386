// SSM for the functions that wake agents or redirect consumers.

import { SSMClient } from '@aws-sdk/client-ssm';
import { createClient } from '../../adapters/aws/clients';
import { createPoker } from '../../adapters/aws/poker';
import type { Clock } from '../../core/ports';
import { controlPlane, required } from '../wiring.lambda-shared';

export const poker = (clock: Clock) => ({
  // One attempt: a poke that is tried again comes too late to be worth it.
  poker: createPoker(createClient(SSMClient, { ...controlPlane, maxAttempts: 1 }), {
    clock,
    pokeDocument: required('MAINSTAY_POKE_DOCUMENT'),
    pokeLifeS: 60,
    redirectMs: 100_000,
    pollMs: 500,
  }),
});
