// What a person did by hand, on record in the journal. Best effort, as every entry of it.

import type { Lease } from '../core/model';
import type { Outside } from '../core/ports';
import type { Desk } from './desk';

export interface ActOfAPerson {
  by: string;
  rule: string;
  because: string;
  details?: Record<string, unknown>;
}

export const recorded = (
  { journal, clock }: Pick<Desk, 'journal' | 'clock'>,
  lease: Pick<Lease, 'cluster' | 'epoch'>,
  { by, rule, because, details }: ActOfAPerson,
): Outside<void> =>
  journal.append({
    cluster: lease.cluster,
    at: clock.wall(),
    kind: 'operation',
    actor: `operator:${by}`,
    epoch: lease.epoch,
    operation: null,
    rule,
    because,
    ...(details ? { details } : {}),
  });
