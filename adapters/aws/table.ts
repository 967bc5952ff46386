// The one table: its keys, and the few ways in which items are read and written. Used by the adapters beside it.
// Every read is consistent (T4), but those of the fleet's queue. No TTL attribute exists, and nothing of a cluster is ever deleted: an
// epoch must not be forgotten (L1).

import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Outside } from '../../core/ports';
import { ok } from '../../core/result';
import { asked } from './outside';

export interface Table {
  client: DynamoDBDocumentClient;
  name: string;
}

export interface Key {
  pk: string;
  sk: string;
}

export type Item = Record<string, unknown>;

const inCluster = (cluster: string, sk: string): Key => ({ pk: `CLUSTER#${cluster}`, sk });
/** Nodes only read here: IAM tells partitions apart, not sort keys. */
const inConfig = (cluster: string, sk: string): Key => ({ pk: `CONFIG#${cluster}`, sk });

export const prefixes = { node: 'NODE#', journal: 'JOURNAL#', cluster: 'CLUSTER#', wish: 'WISH#' };
export const fleet = 'FLEET';

export const keys = {
  lease: (cluster: string) => inCluster(cluster, 'LEASE'),
  node: (cluster: string, node: string) => inCluster(cluster, `${prefixes.node}${node}`),
  config: (cluster: string) => inConfig(cluster, 'CONFIG'),
  policy: (cluster: string) => inConfig(cluster, 'POLICY'),
  waiting: (cluster: string) => inCluster(cluster, 'WAITING'),
  entry: (cluster: string, at: string, unique: string) => inCluster(cluster, `${prefixes.journal}${at}#${unique}`),
  instance: (instanceId: string): Key => ({ pk: `INSTANCE#${instanceId}`, sk: 'CLUSTER' }),
  place: (cluster: string) => inCluster(cluster, 'BRAKE'),
  brake: { pk: `${fleet}#BRAKE`, sk: 'BRAKE' },
  line: (api: string): Key => ({ pk: `${fleet}#LINE#${api}`, sk: 'LINE' }),
  wish: (lane: string, id: string): Key => ({ pk: `${fleet}#LANE#${lane}`, sk: `${prefixes.wish}${id}` }),
  leader: (lane: string): Key => ({ pk: `${fleet}#LANE#${lane}`, sk: 'LEADER' }),
  listed: (cluster: string): Key => ({ pk: fleet, sk: `${prefixes.cluster}${cluster}` }),
};

/** The item without its keys. */
export function withoutKeys({ pk: _pk, sk: _sk, ...item }: Item): Item {
  return item;
}

export async function getItem(table: Table, key: Key): Outside<Item | null> {
  const command = new GetCommand({ TableName: table.name, Key: key, ConsistentRead: true });
  const answer = await asked('dynamodb:GetItem', () => table.client.send(command));
  if (!answer.ok) return answer;
  return ok(answer.value.Item ? withoutKeys(answer.value.Item) : null);
}

/** Unconditional: the last writer wins. */
export async function putItem(table: Table, key: Key, item: object): Outside<void> {
  const command = new PutCommand({ TableName: table.name, Item: { ...item, ...key } });
  const answer = await asked('dynamodb:PutItem', () => table.client.send(command));
  return answer.ok ? ok(undefined) : answer;
}

/** Stands after every character that a sort key has. */
const beyondAll = '\uffff';

export interface Listing {
  pk: string;
  prefix: string;
  newestFirst?: boolean;
  /** Only sort keys that stand before this one, which is no item's. */
  below?: string;
  /** Only sort keys that stand at this one or after it. */
  from?: string;
  /** Stop after this many items that pass the filter. */
  limit?: number;
  /** Only items whose attribute has this value. */
  where?: { attribute: string; value: string };
}

function query(table: Table, { pk, prefix, newestFirst, below, from, limit, where }: Listing): QueryCommandInput {
  return {
    TableName: table.name,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :below',
    ExpressionAttributeValues: {
      ':pk': pk,
      ':from': from ?? prefix,
      ':below': below ?? `${prefix}${beyondAll}`,
      ...(where ? { ':value': where.value } : {}),
    },
    ScanIndexForward: newestFirst !== true,
    // A filter is applied after Limit, so a filtered query reads full pages.
    ...(limit !== undefined && !where ? { Limit: limit } : {}),
    ...(where
      ? { FilterExpression: '#attribute = :value', ExpressionAttributeNames: { '#attribute': where.attribute } }
      : {}),
  };
}

/** All items under a prefix, keys included, page by page. */
export async function listItems(table: Table, listing: Listing): Outside<Item[]> {
  const limit = listing.limit ?? Number.POSITIVE_INFINITY;
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const command = new QueryCommand({ ...query(table, listing), ...(from ? { ExclusiveStartKey: from } : {}) });
    const page = await asked('dynamodb:Query', () => table.client.send(command));
    if (!page.ok) return page;
    items.push(...(page.value.Items ?? []));
    from = page.value.LastEvaluatedKey;
  } while (from && items.length < limit);
  return ok(items.slice(0, limit));
}
