// The VIP for a function that looks how far a record has spread. An address was read back by its move, so nobody asks about one here.

import { loadRoute53Vip } from '../../adapters/aws/record-vips';
import { createVipByKind } from '../../adapters/vip-by-kind';
import type { Clock } from '../../core/ports';
import { controlPlane } from '../wiring.lambda-shared';

export const recordVip = (clock: Clock) => ({
  vip: createVipByKind({
    eip: () => Promise.reject(new Error('an address needs no verification: see workflows/steps/confirm.ts')),
    route53: () => loadRoute53Vip(controlPlane, clock),
  }),
});
