// The journal, page by page. A page ends between two instants, never within one, so that none is lost and none comes twice.

import type { JournalEntry } from '../../core/ports';
import { configOf } from '../../desk/cluster';
import { must } from '../../desk/problems';
import type { Handler } from '../handle';

export const getHistory: Handler = async ({ desk, params: { cluster = '' }, query }) => {
  await configOf(desk, cluster);
  const { operation, before } = query as { operation?: string; before?: string };
  const filter = { ...(operation === undefined ? {} : { operation }), ...(before === undefined ? {} : { before }) };
  // One instant may hold more entries than a page: then the page is longer.
  for (let limit = Number(query.limit); ; limit *= 2) {
    const found = must(await desk.journal.list(cluster, { ...filter, limit: limit + 1 }));
    const entries = pageOf(found, limit);
    if (entries.length === 0 && found.length > 0) continue;
    const more = found.length > entries.length;
    return { status: 200, body: { cluster, entries, before: more ? (entries[0]?.at ?? null) : null } };
  }
};

/** The newest `limit`, without those that share their instant with one that is left out. */
function pageOf(found: readonly JournalEntry[], limit: number): JournalEntry[] {
  if (found.length <= limit) return [...found];
  const left = found[0]?.at;
  return found.filter(({ at }) => at !== left);
}
