// Configuration and policy of the clusters, and the list of them. Port: Settings.
// The list is an index item beside each configuration, so that nothing ever scans the table.

import type { ClusterConfig, Policy } from '../../core/model';
import type { Outside, Settings } from '../../core/ports';
import { ok } from '../../core/result';
import { configShape, parsed, policyShape } from '../records';
import { fleet, getItem, keys, listItems, prefixes, putItem, type Table } from './table';

async function clusters(table: Table): Outside<string[]> {
  const items = await listItems(table, { pk: fleet, prefix: prefixes.cluster });
  return items.ok ? ok(items.value.map(({ sk }) => String(sk).slice(prefixes.cluster.length))) : items;
}

async function config(table: Table, cluster: string): Outside<ClusterConfig | null> {
  const item = await getItem(table, keys.config(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  return parsed(configShape, `configuration of ${cluster}`, item.value);
}

async function policy(table: Table, cluster: string): Outside<Policy | null> {
  const item = await getItem(table, keys.policy(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  return parsed(policyShape, `policy of ${cluster}`, item.value);
}

/** The index items come second: a cluster that is listed has a configuration, whatever broke off in between. */
async function putConfig(table: Table, wanted: ClusterConfig): Outside<void> {
  const index = wanted.nodes.map(({ instanceId }) => ({
    key: keys.instance(instanceId),
    item: { cluster: wanted.name },
  }));
  const items = [
    { key: keys.config(wanted.name), item: wanted },
    ...index,
    { key: keys.listed(wanted.name), item: {} },
  ];
  for (const { key, item } of items) {
    const written = await putItem(table, key, item);
    if (!written.ok) return written;
  }
  return ok(undefined);
}

async function clusterOf(table: Table, instanceId: string): Outside<string | null> {
  const item = await getItem(table, keys.instance(instanceId));
  if (!item.ok) return item;
  return ok(typeof item.value?.cluster === 'string' ? item.value.cluster : null);
}

export const createSettings = (table: Table): Settings => ({
  clusters: () => clusters(table),
  config: (cluster) => config(table, cluster),
  putConfig: (wanted) => putConfig(table, wanted),
  clusterOf: (instanceId) => clusterOf(table, instanceId),
  policy: (cluster) => policy(table, cluster),
  putPolicy: (cluster, wanted) => putItem(table, keys.policy(cluster), wanted),
});
