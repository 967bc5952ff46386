// Configuration and policy in memory. Port: Settings. The list of clusters is kept as index items, as in the real table.

import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { configShape, ofCluster, policyShape } from '../records';
import { checked, type MemoryTable } from './store';

export const createMemorySettings = (table: MemoryTable): Settings => ({
  clusters: async () => ok(table.list('FLEET', 'CLUSTER#').map(({ sk }) => sk.slice('CLUSTER#'.length))),
  config: async (cluster) => {
    const item = table.get(`CONFIG#${cluster}`, 'CONFIG');
    if (item === null) return ok(null);
    const what = `configuration of ${cluster}`;
    return ofCluster(checked(configShape, what, item), what, cluster, ({ name }) => name);
  },
  putConfig: async (config) => {
    table.put(`CONFIG#${config.name}`, 'CONFIG', config);
    for (const { instanceId } of config.nodes) table.put(`INSTANCE#${instanceId}`, 'CLUSTER', { cluster: config.name });
    return ok(table.put('FLEET', `CLUSTER#${config.name}`, {}));
  },
  clusterOf: async (instanceId) => ok((table.get(`INSTANCE#${instanceId}`, 'CLUSTER')?.cluster as string) ?? null),
  policy: async (cluster) => {
    const item = table.get(`CONFIG#${cluster}`, 'POLICY');
    return item === null ? ok(null) : checked(policyShape, `policy of ${cluster}`, item);
  },
  putPolicy: async (cluster, policy) => ok(table.put(`CONFIG#${cluster}`, 'POLICY', policy)),
  swapPolicy: async (cluster, was, next) => {
    const stored = table.get(`CONFIG#${cluster}`, 'POLICY');
    if (isDeepStrictEqual(stored, was)) return ok(table.put(`CONFIG#${cluster}`, 'POLICY', next));
    return fail(refused(`the policy of ${cluster} was changed meanwhile`, 'read it again, then decide again'));
  },
});
