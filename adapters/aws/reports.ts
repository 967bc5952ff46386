// What each node last proved of itself: one item per node, replaced at every report. Port: Reports.
// Must never serve a stale report as fresh: reads are consistent, and freshness is judged by `seen.version` alone (T4).

import type { Report } from '../../core/model';
import type { Outside, Reports } from '../../core/ports';
import { ok } from '../../core/result';
import { parsed, reportShape } from '../records';
import { keys, listItems, prefixes, putItem, type Table, withoutKeys } from './table';

async function list(table: Table, cluster: string): Outside<Report[]> {
  const items = await listItems(table, { pk: keys.lease(cluster).pk, prefix: prefixes.node });
  if (!items.ok) return items;
  const reports: Report[] = [];
  for (const item of items.value) {
    const report = parsed(reportShape, `report ${item.sk} of ${cluster}`, withoutKeys(item));
    if (!report.ok) return report;
    reports.push(report.value);
  }
  return ok(reports);
}

export const createReports = (table: Table): Reports => ({
  put: (report) => putItem(table, keys.node(report.cluster, report.node), report),
  list: (cluster) => list(table, cluster),
});
