// The lease in DynamoDB: one item per cluster, changed by one conditional PutItem at a time. Port: LeaseStore.
// Must never read eventually consistently (T4), never delete, and never take its own write for a loss (L4, T3).
//
//   A  read v7 ── put v8 if v7 ── stored
//   B  read v7 ────── put v8' if v7 ── refused; the answer carries A's item (ALL_OLD), no second read needed
//   C  read v8 ── put v9 if v8 ── stored, reply lost ── sent again ── refused by C's own item: its nonce says success
//
// Sent again by the SDK within one call, or by the caller with the same `next`: both end in C's success.

import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { OutsideProblem } from '../../core/errors';
import type { Lease } from '../../core/model';
import type { LeaseLost, LeaseStore, Outside } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { assertNext, isOwnWrite, leaseLost } from '../lease-write';
import { leaseShape, ofCluster, parsed } from '../records';
import { outsideProblem } from './outside';
import { getItem, type Item, keys, type Table, withoutKeys } from './table';

const neverWritten = 'attribute_not_exists(pk)';
const stillAsRead = '#version = :wasVersion';

type Swapped = Result<Lease, LeaseLost | OutsideProblem>;

function conditionalPut(table: Table, was: Lease | null, next: Lease): PutCommand {
  return new PutCommand({
    TableName: table.name,
    Item: { ...next, ...keys.lease(next.cluster) },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ...(was === null
      ? { ConditionExpression: neverWritten }
      : {
          ConditionExpression: stillAsRead,
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: { ':wasVersion': was.version },
        }),
  });
}

function lease(cluster: string, item: Item): Result<Lease, OutsideProblem> {
  const what = `lease of ${cluster}`;
  return ofCluster(parsed(leaseShape, what, item), what, cluster, (found) => found.cluster);
}

/** The condition failed: either somebody else won, or our own earlier attempt did and its reply was lost. */
function resolved(next: Lease, failure: ConditionalCheckFailedException): Swapped {
  if (!failure.Item) return fail(leaseLost(null));
  const winner = lease(next.cluster, withoutKeys(unmarshall(failure.Item)));
  if (!winner.ok) return winner;
  return isOwnWrite(winner.value, next) ? ok(next) : fail(leaseLost(winner.value));
}

async function swap(table: Table, was: Lease | null, next: Lease): Promise<Swapped> {
  assertNext(was, next);
  try {
    await table.client.send(conditionalPut(table, was, next));
    return ok(next);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return resolved(next, error);
    return fail(outsideProblem(error, 'dynamodb:PutItem'));
  }
}

async function read(table: Table, cluster: string): Outside<Lease | null> {
  const item = await getItem(table, keys.lease(cluster));
  if (!item.ok || item.value === null) return item as Awaited<Outside<null>>;
  return lease(cluster, item.value);
}

export const createLeaseStore = (table: Table): LeaseStore => ({
  read: (cluster) => read(table, cluster),
  swap: (was, next) => swap(table, was, next),
});
