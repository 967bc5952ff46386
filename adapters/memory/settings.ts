// Configuration and policy in memory. Port: Settings. The list of clusters is kept as index items, as in the real table.

import type { Settings } from '../../core/ports';
import { ok } from '../../core/result';
import { configShape, policyShape } from '../records';
import { checked, type MemoryTable } from './store';

export const createMemorySettings = (table: MemoryTable): Settings => ({
  clusters: async () => ok(table.list('FLEET', 'CLUSTER#').map(({ sk }) => sk.slice('CLUSTER#'.length))),
  config: async (cluster) => {
    const item = table.get(`CLUSTER#${cluster}`, 'CONFIG');
    return item === null ? ok(null) : checked(configShape, `configuration of ${cluster}`, item);
  },
  putConfig: async (config) => {
    table.put(`CLUSTER#${config.name}`, 'CONFIG', config);
    for (const { instanceId } of config.nodes) table.put(`INSTANCE#${instanceId}`, 'CLUSTER', { cluster: config.name });
    return ok(table.put('FLEET', `CLUSTER#${config.name}`, {}));
  },
  clusterOf: async (instanceId) => ok((table.get(`INSTANCE#${instanceId}`, 'CLUSTER')?.cluster as string) ?? null),
  policy: async (cluster) => {
    const item = table.get(`CLUSTER#${cluster}`, 'POLICY');
    return item === null ? ok(null) : checked(policyShape, `policy of ${cluster}`, item);
  },
  putPolicy: async (cluster, policy) => ok(table.put(`CLUSTER#${cluster}`, 'POLICY', policy)),
});
