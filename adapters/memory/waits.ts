// Sleeping operations in memory. Port: Waits. Must never put one of an older epoch in the place of a newer one.

import type { Waits } from '../../core/ports';
import { ok } from '../../core/result';
import { waitingShape } from '../records';
import { added } from '../waiting';
import { checked, type MemoryTable } from './store';

export function createMemoryWaits(table: MemoryTable): Waits {
  const stored = (cluster: string) => {
    const item = table.get(`CLUSTER#${cluster}`, 'WAITING');
    return item === null ? ok(null) : checked(waitingShape, `sleeping operation of ${cluster}`, item);
  };
  return {
    add: async (waiting) => {
      const there = stored(waiting.cluster);
      if (!there.ok) return there;
      const next = added(there.value, waiting);
      return ok(next ? table.put(`CLUSTER#${waiting.cluster}`, 'WAITING', next) : undefined);
    },
    read: async (cluster) => stored(cluster),
  };
}
