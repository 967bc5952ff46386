// SSM for the functions that wake agents, redirect consumers or have an engine stopped.

import { SSMClient } from '@aws-sdk/client-ssm';
import { createClient } from '../../adapters/aws/clients';
import { createPoker } from '../../adapters/aws/poker';
import type { Clock } from '../../core/ports';
import { controlPlane, required } from '../wiring.lambda-shared';

export const poker = (clock: Clock) => ({
  // One attempt: a poke that is tried again comes too late to be worth it.
  poker: createPoker(createClient(SSMClient, { ...controlPlane, maxAttempts: 1 }), {
    clock,
    documents: {
      poke: required('MAINSTAY_POKE_DOCUMENT'),
      engineStop: required('MAINSTAY_ENGINE_STOP_DOCUMENT'),
      consumer: required('MAINSTAY_CONSUMER_DOCUMENT'),
    },
    pokeLifeS: 60,
    redirectMs: 100_000,
    stopMs: 30_000,
    pollMs: 500,
  }),
});
