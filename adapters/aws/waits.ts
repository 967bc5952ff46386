// The last operation of each cluster that went to sleep, and the token that wakes it. Port: Waits.
// Must never let a late write of an older epoch hide the token of a newer one (T48).

import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Waiting } from '../../core/model';
import type { Outside, Waits } from '../../core/ports';
import { ok } from '../../core/result';
import { parsed, waitingShape } from '../records';
import { asked } from './outside';
import { getItem, keys, type Table } from './table';

const newer = 'ConditionalCheckFailedException';

async function put(table: Table, waiting: Waiting): Outside<void> {
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...waiting, ...keys.waiting(waiting.cluster) },
    ConditionExpression: 'attribute_not_exists(pk) OR #epoch <= :epoch',
    ExpressionAttributeNames: { '#epoch': 'epoch' },
    ExpressionAttributeValues: { ':epoch': waiting.epoch },
  });
  const written = await asked('dynamodb:PutItem', () => table.client.send(command), [newer]);
  return written.ok || written.error.details?.error === newer ? ok(undefined) : written;
}

async function read(table: Table, cluster: string): Outside<Waiting | null> {
  const item = await getItem(table, keys.waiting(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  return parsed(waitingShape, `sleeping operation of ${cluster}`, item.value);
}

export const createWaits = (table: Table): Waits => ({
  put: (waiting) => put(table, waiting),
  read: (cluster) => read(table, cluster),
});
