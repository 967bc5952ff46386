// Everything that an operator's command or request may touch: what the command line and the REST API have in common. Built by
// cli/wiring.ts and functions/api.lambda.ts for AWS, by tests from memory. Both get the world through this and nothing else.

import type { Brake } from '../core/brake';
import type {
  Alarms,
  Clock,
  Ids,
  Journal,
  LeaseStore,
  Power,
  Reports,
  Settings,
  Tasks,
  Vip,
  Waits,
} from '../core/ports';
import type { Operations } from './operations';

export interface Desk {
  leases: LeaseStore;
  reports: Reports;
  settings: Settings;
  waits: Waits;
  tasks: Tasks;
  journal: Journal;
  clock: Clock;
  ids: Ids;
  operations: Operations;
  vip: Vip;
  power: Pick<Power, 'state' | 'cut'>;
  brake: Brake;
  alarms: Alarms;
}
