// Everything that an operator's command or request may touch: what the command line and the REST API have in common. Built by
// cli/wiring.ts and functions/desk.lambda-shared.ts for AWS, by tests from memory. Both get the world through this and nothing else.

import type { Brake } from '../core/brake';
import type { Alarms, Power } from '../core/ports';
import type { Ports } from '../workflows/step';
import type { Operations } from './operations';

/** What steps are given and people need as well, by the same names. */
type Shared = 'leases' | 'reports' | 'settings' | 'waits' | 'tasks' | 'journal' | 'vip' | 'clock' | 'ids';

export interface Desk extends Pick<Ports, Shared> {
  operations: Operations;
  power: Pick<Power, 'state' | 'cut'>;
  brake: Brake;
  alarms: Alarms;
}
