// What each node last proved of itself: one item per node, replaced at every report. Port: Reports.
// Must never serve a stale report as fresh: reads are consistent, and freshness is judged by `seen.version` alone (T4).

import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Report } from '../../core/model';
import type { Outside, Reports } from '../../core/ports';
import { ok } from '../../core/result';
import { parsed, reportShape } from '../records';
import { asked } from './outside';
import { keys, listItems, prefixes, type Table, withoutKeys } from './table';

/** A later report of the same life is there already. */
const later = 'ConditionalCheckFailedException';

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

async function put(table: Table, report: Report): Outside<void> {
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...report, ...keys.node(report.cluster, report.node) },
    ConditionExpression: 'attribute_not_exists(pk) OR #boot <> :boot OR #seq <= :seq',
    ExpressionAttributeNames: { '#boot': 'boot', '#seq': 'seq' },
    ExpressionAttributeValues: { ':boot': report.boot, ':seq': report.seq },
  });
  const written = await asked('dynamodb:PutItem', () => table.client.send(command), [later]);
  if (written.ok || written.error.details?.error === later) return ok(undefined);
  return written;
}

export const createReports = (table: Table): Reports => ({
  put: (report) => put(table, report),
  list: (cluster) => list(table, cluster),
});
