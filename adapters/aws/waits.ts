// The last operation of each cluster that went to sleep, and the tokens that may wake it. Port: Waits. Read, add, and put back
// on the condition that nobody else has: a token that was kept is never lost to another writer (T48).

import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Waiting } from '../../core/model';
import type { Outside, Waits } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { unreachable } from '../problems';
import { parsed, waitingShape } from '../records';
import { added } from '../waiting';
import { asked } from './outside';
import { getItem, keys, type Table } from './table';

const changed = 'ConditionalCheckFailedException';
/** Two invocations of one step are the most that have been seen at once. */
const rounds = 5;

async function read(table: Table, cluster: string): Outside<Waiting | null> {
  const item = await getItem(table, keys.waiting(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  return parsed(waitingShape, `sleeping operation of ${cluster}`, item.value);
}

function putIfStill(table: Table, there: Waiting | null, next: Waiting): PutCommand {
  const last = (there?.tokens.length ?? 1) - 1;
  return new PutCommand({
    TableName: table.name,
    Item: { ...next, ...keys.waiting(next.cluster) },
    ...(there === null
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: `#operation = :operation AND #epoch = :epoch AND size(#tokens) = :count AND #tokens[${last}] = :last`,
          ExpressionAttributeNames: { '#operation': 'operation', '#epoch': 'epoch', '#tokens': 'tokens' },
          ExpressionAttributeValues: {
            ':operation': there.operation,
            ':epoch': there.epoch,
            ':count': there.tokens.length,
            ':last': there.tokens[last],
          },
        }),
  });
}

async function add(table: Table, waiting: Waiting): Outside<void> {
  for (let round = 0; round < rounds; round++) {
    const there = await read(table, waiting.cluster);
    if (!there.ok) return there;
    const next = added(there.value, waiting);
    if (next === null) return ok(undefined);
    const command = putIfStill(table, there.value, next);
    const written = await asked('dynamodb:PutItem', () => table.client.send(command), [changed]);
    if (written.ok) return ok(undefined);
    if (written.error.details?.error !== changed) return written;
  }
  return fail(unreachable(`the sleeping operation of ${waiting.cluster} changes too often`, 'the step is tried again'));
}

export const createWaits = (table: Table): Waits => ({
  add: (waiting) => add(table, waiting),
  read: (cluster) => read(table, cluster),
});
