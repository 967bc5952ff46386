// Node reports in memory. Port: Reports. Must never put an earlier report in the place of a later one.

import type { Report } from '../../core/model';
import type { Reports } from '../../core/ports';
import { ok } from '../../core/result';
import { reportShape } from '../records';
import { checked, type MemoryTable } from './store';

export const createMemoryReports = (table: MemoryTable): Reports => ({
  put: async (report) => {
    const [pk, sk] = [`CLUSTER#${report.cluster}`, `NODE#${report.node}`];
    const there = table.get(pk, sk);
    const late = there?.boot === report.boot && Number(there.seq) > report.seq;
    return ok(late ? undefined : table.put(pk, sk, report));
  },
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
