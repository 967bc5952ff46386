// The history of each cluster: one item per entry, ordered by wall clock for people. Port: Journal.
// Must never overwrite an entry, and never hide a history behind one entry that does not parse.

import { isDeepStrictEqual } from 'node:util';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Ids, Journal, JournalEntry, Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { refused } from '../problems';
import { readable } from '../records';
import { outsideProblem } from './outside';
import { type Item, type Key, keys, listItems, prefixes, type Table, withoutKeys } from './table';

const noSuchEntryYet = 'attribute_not_exists(pk)';

/** Details come from anywhere: what JSON cannot say (functions, NaN, class instances) must not stop the entry. */
const plain = (entry: JournalEntry): Record<string, unknown> => JSON.parse(JSON.stringify(entry));

/** The very entry under our key is our own: an attempt whose reply was lost (T3). Another one there is a repeated id. */
function resolved(key: Key, item: Item, failure: ConditionalCheckFailedException): Awaited<Outside<void>> {
  const stored = failure.Item ? unmarshall(failure.Item) : {};
  if (isDeepStrictEqual(stored, item)) return ok(undefined);
  return fail(refused(`entry ${key.sk} exists already`, 'append it again', { stored }));
}

async function append(table: Table, entry: JournalEntry, key: Key): Outside<void> {
  const item = { ...plain(entry), ...key };
  const command = new PutCommand({
    TableName: table.name,
    Item: item,
    ConditionExpression: noSuchEntryYet,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await table.client.send(command);
    return ok(undefined);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return resolved(key, item, error);
    return fail(outsideProblem(error, 'dynamodb:PutItem'));
  }
}

type Filter = Parameters<Journal['list']>[1];

async function list(
  table: Table,
  cluster: string,
  { operation, since, before, limit }: NonNullable<Filter> = {},
): Outside<JournalEntry[]> {
  const items = await listItems(table, {
    pk: keys.lease(cluster).pk,
    prefix: prefixes.journal,
    newestFirst: true,
    ...(since === undefined ? {} : { from: `${prefixes.journal}${since}` }),
    ...(before === undefined ? {} : { below: `${prefixes.journal}${before}` }),
    ...(limit === undefined ? {} : { limit }),
    ...(operation === undefined ? {} : { where: { attribute: 'operation', value: operation } }),
  });
  if (!items.ok) return items;
  return ok(items.value.reverse().map((item) => readable(withoutKeys(item))));
}

export function createJournal(table: Table, ids: Ids): Journal {
  let appended = 0;
  return {
    append: (entry) => {
      // Entries of one writer within one millisecond keep their order.
      appended += 1;
      const unique = `${String(appended).padStart(8, '0')}-${ids.next()}`;
      return append(table, entry, keys.entry(entry.cluster, entry.at, unique));
    },
    list: (cluster, filter) => list(table, cluster, filter),
  };
}
