// The VIP for a function that looks how far a record has spread, under the account's quotas. An address was read back by its move, so
// nobody asks about one here.

import { loadRoute53Vip } from '../../adapters/aws/record-vips';
import type { Governor } from '../../adapters/governed/governor';
import { createVipByKind } from '../../adapters/vip-by-kind';
import type { Clock, LeaseStore } from '../../core/ports';
import { governed } from '../wiring.lambda-shared';

export const recordVip = (clock: Clock, _leases: LeaseStore, governor: Governor) => ({
  vip: createVipByKind({
    eip: () => Promise.reject(new Error('an address needs no verification: see workflows/steps/confirm.ts')),
    route53: () => loadRoute53Vip(governed, clock, governor),
  }),
});
