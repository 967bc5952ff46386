// EC2 power for the functions that cut or restore it, under the account's quotas.

import { EC2Client } from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createPower } from '../../adapters/aws/power';
import type { Governor } from '../../adapters/governed/governor';
import { governedPower } from '../../adapters/governed/power';
import type { Clock, LeaseStore } from '../../core/ports';
import { governed } from '../wiring.lambda-shared';

export const power = (_clock: Clock, _leases: LeaseStore, governor: Governor) => ({
  power: governedPower(governor, createPower(createClient(EC2Client, governed))),
});
