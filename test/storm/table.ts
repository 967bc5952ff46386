// The fleet's items in a table with DynamoDB's bounds: a partition takes 1,000 writes and 3,000 reads a second, a request a few
// milliseconds. Counts both, per partition.

import type { Call, Faults } from '../../adapters/memory/faults';
import type { Clock } from '../../core/ports';
import { type Bucket, createBucket } from './bucket';

export interface TableCount {
  writes: number;
  reads: number;
  throttled: number;
}

/** Units of a call; a read is half a unit where it may be stale. Leading looks before it writes, and mostly does not write. */
const units: Record<string, { reads: number; writes: number }> = {
  line: { reads: 0.5, writes: 0 },
  get: { reads: 0.5, writes: 0 },
  lead: { reads: 0.5, writes: 0 },
  waiting: { reads: 5, writes: 0 },
  read: { reads: 1, writes: 0 },
  placeOf: { reads: 1, writes: 0 },
};
const aWrite = { reads: 0, writes: 1 };

export function tableBounds(clock: Clock): { faults: Faults; count: TableCount } {
  const partitions = new Map<string, { reads: Bucket; writes: Bucket }>();
  const count: TableCount = { writes: 0, reads: 0, throttled: 0 };
  const partitionOf = ({ port, method, args }: Call): string => {
    if (port === 'Brake') return method === 'placeOf' || method === 'putPlace' ? `cluster ${args[0]}` : 'brake';
    return `${method === 'line' || method === 'swapLine' ? 'line' : 'lane'} ${args[0]}`;
  };
  const faults: Faults = {
    before: async (call) => {
      const name = partitionOf(call);
      const partition = partitions.get(name) ?? {
        reads: createBucket(clock, { burst: 3000, perSecond: 3000 }),
        writes: createBucket(clock, { burst: 1000, perSecond: 1000 }),
      };
      partitions.set(name, partition);
      const { reads, writes } = units[call.method] ?? aWrite;
      count.reads += reads;
      count.writes += writes;
      // Three attempts, as the functions' client makes them.
      for (let tried = 1; ; tried++) {
        await clock.sleep(4);
        const there = (reads === 0 || partition.reads.has(reads)) && (writes === 0 || partition.writes.has(writes));
        if (there) {
          partition.reads.take(reads);
          partition.writes.take(writes);
          return null;
        }
        count.throttled += 1;
        if (tried === 3) return 'throttle';
        await clock.sleep(25 * 2 ** tried);
      }
    },
  };
  return { faults, count };
}
