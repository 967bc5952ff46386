// The fleet's brake for the function that asks it before a failover.

import { createBrake } from '../../adapters/aws/brake';
import type { Table } from '../../adapters/aws/table';
import type { Governor } from '../../adapters/governed/governor';
import type { Clock, LeaseStore } from '../../core/ports';

export const brake = (_clock: Clock, _leases: LeaseStore, _governor: Governor, table: Table) => ({
  brake: createBrake(table),
});
