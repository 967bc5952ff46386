// The lease in memory. Port: LeaseStore. Read, compare and write happen without an await between them: that is the
// compare-and-swap. Must never take its own write for a loss (L4).

import type { LeaseStore } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { assertNext, isOwnWrite, leaseLost } from '../lease-write';
import { leaseShape, ofCluster } from '../records';
import { checked, type MemoryTable } from './store';

export function createMemoryLeaseStore(table: MemoryTable): LeaseStore {
  const stored = (cluster: string) => {
    const item = table.get(`CLUSTER#${cluster}`, 'LEASE');
    if (item === null) return ok(null);
    const what = `lease of ${cluster}`;
    return ofCluster(checked(leaseShape, what, item), what, cluster, (lease) => lease.cluster);
  };
  return {
    read: async (cluster) => stored(cluster),
    swap: async (was, next) => {
      assertNext(was, next);
      const item = table.get(`CLUSTER#${next.cluster}`, 'LEASE');
      const asRead = was === null ? item === null : item?.version === was.version;
      if (asRead) {
        table.put(`CLUSTER#${next.cluster}`, 'LEASE', next);
        return ok(next);
      }
      const winner = stored(next.cluster);
      if (!winner.ok) return winner;
      return winner.value && isOwnWrite(winner.value, next) ? ok(next) : fail(leaseLost(winner.value));
    },
  };
}
