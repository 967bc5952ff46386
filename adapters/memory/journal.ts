// The journal in memory. Port: Journal. Every entry gets a key of its own, so none is ever overwritten.

import type { Journal } from '../../core/ports';
import { ok } from '../../core/result';
import { readable } from '../records';
import type { MemoryTable } from './store';

export function createMemoryJournal(table: MemoryTable): Journal {
  return {
    append: async (entry) => {
      const pk = `CLUSTER#${entry.cluster}`;
      const unique = String(table.next()).padStart(8, '0');
      return ok(table.put(pk, `JOURNAL#${entry.at}#${unique}`, JSON.parse(JSON.stringify(entry))));
    },
    list: async (cluster, { operation, since, before, limit } = {}) => {
      const entries = table
        .list(`CLUSTER#${cluster}`, 'JOURNAL#')
        .filter(({ sk }) => since === undefined || sk >= `JOURNAL#${since}`)
        .filter(({ sk }) => before === undefined || sk < `JOURNAL#${before}`)
        .map(({ item }) => readable(item))
        .filter((entry) => operation === undefined || entry.operation === operation);
      return ok(limit === undefined ? entries : limit === 0 ? [] : entries.slice(-limit));
    },
  };
}
