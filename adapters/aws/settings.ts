// Configuration and policy of the clusters, and the list of them. Port: Settings.
// The list is an index item beside each configuration, so that nothing ever scans the table.

import { isDeepStrictEqual } from 'node:util';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ClusterConfig, Policy } from '../../core/model';
import type { Outside, Settings } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { configShape, ofCluster, parsed, policyShape } from '../records';
import { asked } from './outside';
import { fleet, getItem, keys, listItems, prefixes, putItem, type Table } from './table';

async function clusters(table: Table): Outside<string[]> {
  const items = await listItems(table, { pk: fleet, prefix: prefixes.cluster });
  return items.ok ? ok(items.value.map(({ sk }) => String(sk).slice(prefixes.cluster.length))) : items;
}

async function config(table: Table, cluster: string): Outside<ClusterConfig | null> {
  const item = await getItem(table, keys.config(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  const what = `configuration of ${cluster}`;
  return ofCluster(parsed(configShape, what, item.value), what, cluster, ({ name }) => name);
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

/** What tells one policy from another: it is put with all of them, and never changed in place. */
const marks = ['mode', 'by', 'reason', 'at'] as const;

async function swapPolicy(table: Table, cluster: string, was: Policy | null, next: Policy): Outside<void> {
  const unchanged = {
    ConditionExpression: marks.map((name) => `#${name} = :${name}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(marks.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(marks.map((name) => [`:${name}`, was?.[name]])),
  };
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...next, ...keys.policy(cluster) },
    ...(was === null ? { ConditionExpression: 'attribute_not_exists(pk)' } : unchanged),
  });
  const lost = 'ConditionalCheckFailedException';
  const answer = await asked('dynamodb:PutItem', () => table.client.send(command), [lost]);
  if (answer.ok) return ok(undefined);
  if (answer.error.code !== 'Refused') return answer;
  // A lost reply that was tried again finds its own write (T3).
  const stored = await policy(table, cluster);
  if (stored.ok && isDeepStrictEqual(stored.value, next)) return ok(undefined);
  return fail(refused(`the policy of ${cluster} was changed meanwhile`, 'read it again, then decide again'));
}

export const createSettings = (table: Table): Settings => ({
  clusters: () => clusters(table),
  config: (cluster) => config(table, cluster),
  putConfig: (wanted) => putConfig(table, wanted),
  clusterOf: (instanceId) => clusterOf(table, instanceId),
  policy: (cluster) => policy(table, cluster),
  putPolicy: (cluster, wanted) => putItem(table, keys.policy(cluster), wanted),
  swapPolicy: (cluster, was, next) => swapPolicy(table, cluster, was, next),
});
