// How far this node is behind the main's last report, for load balancers that ask. The reports are read at most once a heartbeat and
// only when somebody asks; beside the loop, with the store's own bound.

import type { NodeName } from '../../core/model';
import type { Clock, Reports } from '../../core/ports';
import type { Standing } from './standing';

export interface LagParts {
  reports: Pick<Reports, 'list'>;
  clock: Pick<Clock, 'nowMs'>;
  everyMs: number;
  standing: () => Standing;
}

/** What readers here do not see yet (T32), in bytes; null: nobody can tell. */
export function createLag({ reports, clock, everyMs, standing }: LagParts): () => Promise<number | null> {
  let known: { main: NodeName; atMs: number; bytes: Promise<number | null> } | null = null;
  const read = async (cluster: string, main: NodeName): Promise<number | null> => {
    const listed = await reports.list(cluster);
    const report = listed.ok ? listed.value.find(({ node }) => node === main) : undefined;
    return report?.engine.received?.bytes ?? null;
  };
  return async () => {
    const { cluster, lease } = standing();
    const main = lease?.holder ?? null;
    if (main === null) return null;
    if (known === null || known.main !== main || clock.nowMs() - known.atMs >= everyMs)
      known = { main, atMs: clock.nowMs(), bytes: read(cluster, main) };
    const front = await known.bytes;
    const { applied } = standing().engine;
    return front === null || applied === null ? null : Math.max(0, front - applied.bytes);
  };
}
