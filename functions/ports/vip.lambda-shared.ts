// The VIP, of any kind, for the functions that move it, under the account's quotas.

import { createAwsVip } from '../../adapters/aws/vips';
import type { Governor } from '../../adapters/governed/governor';
import type { Clock, LeaseStore } from '../../core/ports';
import { governed } from '../wiring.lambda-shared';

export const vip = (clock: Clock, leases: LeaseStore, governor: Governor) => ({
  vip: createAwsVip(governed, clock, leases, governor),
});
