// Sleeping operations in memory. Port: Waits. Must never put one of an older epoch in the place of a newer one.

import type { Waits } from '../../core/ports';
import { ok } from '../../core/result';
import { waitingShape } from '../records';
import { checked, type MemoryTable } from './store';

export const createMemoryWaits = (table: MemoryTable): Waits => ({
  put: async (waiting) => {
    const pk = `CLUSTER#${waiting.cluster}`;
    const there = table.get(pk, 'WAITING');
    return ok(there && Number(there.epoch) > waiting.epoch ? undefined : table.put(pk, 'WAITING', waiting));
  },
  read: async (cluster) => {
    const item = table.get(`CLUSTER#${cluster}`, 'WAITING');
    return item === null ? ok(null) : checked(waitingShape, `sleeping operation of ${cluster}`, item);
  },
});
