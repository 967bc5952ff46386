// Node reports in memory. Port: Reports. Last writer wins, as in the real table.

import type { Report } from '../../core/model';
import type { Reports } from '../../core/ports';
import { ok } from '../../core/result';
import { reportShape } from '../records';
import { checked, type MemoryTable } from './store';

export const createMemoryReports = (table: MemoryTable): Reports => ({
  put: async (report) => ok(table.put(`CLUSTER#${report.cluster}`, `NODE#${report.node}`, report)),
  list: async (cluster) => {
    const reports: Report[] = [];
    for (const { sk, item } of table.list(`CLUSTER#${cluster}`, 'NODE#')) {
      const report = checked(reportShape, `report ${sk} of ${cluster}`, item);
      if (!report.ok) return report;
      reports.push(report.value);
    }
    return ok(reports);
  },
});
