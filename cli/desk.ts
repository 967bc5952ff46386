// Everything that a command may touch, and who is asking. Built by wiring.ts for AWS, by tests from memory.
// Commands get the world through this and through the Screen, and through nothing else.

import type { Clock, Ids, Journal, LeaseStore, Reports, Settings, Tasks, Vip, Waits } from '../core/ports';
import type { Operations } from './operations';
import type { Screen } from './output';

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
}

/** What a command's `run` is given beside its options. */
export interface Session {
  desk: Desk;
  screen: Screen;
  /** Name of the operating system's user: the default of --by. */
  user: string;
  /** True once Ctrl-C was pressed: whoever waits stops waiting and says what goes on. */
  interrupted: () => boolean;
}
