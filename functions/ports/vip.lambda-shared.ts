// The VIP for the functions that look at it or move it, of whatever kind the cluster has.

import { createAwsVip } from '../../adapters/aws/vips';
import type { Clock, LeaseStore } from '../../core/ports';
import { controlPlane } from '../wiring.lambda-shared';

export const vip = (clock: Clock, leases: LeaseStore) => ({ vip: createAwsVip(controlPlane, clock, leases) });
