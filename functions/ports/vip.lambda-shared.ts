// The VIP for the functions that move it.

import { EC2Client } from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createEipVip } from '../../adapters/aws/eip-vip';
import type { Clock } from '../../core/ports';
import { controlPlane } from '../wiring.lambda-shared';

export const vip = (clock: Clock) => ({
  vip: createEipVip(createClient(EC2Client, controlPlane), { clock, readBackMs: 10_000, pollMs: 100 }),
});
