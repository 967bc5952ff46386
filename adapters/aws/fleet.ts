// The queue and the lines of the fleet in DynamoDB. Port: Fleet. A partition per lane, an item per wish: 3 write units for each
// wish's whole life, so that a lane takes 300 wishes a second (1,000 write units per partition). Must never decide anything about a
// cluster, and holds nothing that a restore would miss. Times are compared as values that the callers send: no TTL attribute.

import { DeleteCommand, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { Api, Fleet, Line, Wish } from '../../core/fleet';
import type { Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { parsed } from '../records';
import { asked } from './outside';
import { type Item, type Key, keys, prefixes, type Table, withoutKeys } from './table';

const conditionFailed = 'ConditionalCheckFailedException';

const lineShape = z.looseObject({ nextMs: z.number(), busyAtMs: z.number(), version: z.number() });
/** Body and answer are the callers' own: kept as text, so that nothing is lost between null and undefined. */
const wishShape = z.looseObject({ body: z.string(), untilMs: z.number(), answer: z.optional(z.string()) });

async function line(table: Table, api: Api): Outside<Line | null> {
  const command = new GetCommand({ TableName: table.name, Key: keys.line(api) });
  const answer = await asked('dynamodb:GetItem', () => table.client.send(command));
  if (!answer.ok) return answer;
  return answer.value.Item ? parsed(lineShape, `line of ${api}`, withoutKeys(answer.value.Item)) : ok(null);
}

async function swapLine(table: Table, api: Api, was: Line | null, next: Line): Outside<void> {
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...next, ...keys.line(api) },
    ...(was === null
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : { ConditionExpression: '#version = :was', ExpressionAttributeNames: { '#version': 'version' } }),
    ...(was === null ? {} : { ExpressionAttributeValues: { ':was': was.version } }),
  });
  const written = await asked('dynamodb:PutItem', () => table.client.send(command), [conditionFailed]);
  return written.ok ? ok(undefined) : written;
}

async function put(table: Table, lane: string, { id, body, untilMs }: Wish): Outside<void> {
  const item = { body: JSON.stringify(body), untilMs, ...keys.wish(lane, id) };
  const command = new PutCommand({ TableName: table.name, Item: item });
  const written = await asked('dynamodb:PutItem', () => table.client.send(command));
  return written.ok ? ok(undefined) : written;
}

function wishFrom(item: Item): Awaited<Outside<Wish>> {
  const id = String(item.sk).slice(prefixes.wish.length);
  const read = parsed(wishShape, `wish ${id}`, item);
  if (!read.ok) return read;
  const { body, untilMs, answer } = read.value;
  return ok({ id, body: JSON.parse(body), untilMs, answer: answer === undefined ? null : JSON.parse(answer) });
}

async function get(table: Table, lane: string, id: string): Outside<Wish | null> {
  const command = new GetCommand({ TableName: table.name, Key: keys.wish(lane, id) });
  const answer = await asked('dynamodb:GetItem', () => table.client.send(command));
  if (!answer.ok) return answer;
  return answer.value.Item ? wishFrom(answer.value.Item) : ok(null);
}

async function waiting(table: Table, lane: string, most: number): Outside<Wish[]> {
  const { pk } = keys.leader(lane);
  const found: Wish[] = [];
  let start: Record<string, unknown> | undefined;
  // Page by page: answered wishes whose owner is gone stay where they are, and must not hide those behind them.
  do {
    const command = new QueryCommand({
      TableName: table.name,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      FilterExpression: 'attribute_not_exists(answer)',
      ExpressionAttributeValues: { ':pk': pk, ':prefix': prefixes.wish },
      ...(start ? { ExclusiveStartKey: start } : {}),
    });
    const page = await asked('dynamodb:Query', () => table.client.send(command));
    if (!page.ok) return page;
    for (const wish of (page.value.Items ?? []).map(wishFrom)) if (wish.ok) found.push(wish.value);
    start = page.value.LastEvaluatedKey;
  } while (start && found.length < most);
  return ok(found.slice(0, most));
}

async function answer(table: Table, lane: string, id: string, given: unknown): Outside<void> {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: keys.wish(lane, id),
    ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(answer)',
    UpdateExpression: 'SET answer = :answer',
    ExpressionAttributeValues: { ':answer': JSON.stringify(given) },
  });
  const written = await asked('dynamodb:UpdateItem', () => table.client.send(command), [conditionFailed]);
  return written.ok || written.error.details?.error === conditionFailed ? ok(undefined) : written;
}

async function remove(table: Table, key: Key, onlyOf?: string): Outside<void> {
  const command = new DeleteCommand({
    TableName: table.name,
    Key: key,
    ...(onlyOf === undefined
      ? {}
      : {
          ConditionExpression: '#leader = :leader',
          ExpressionAttributeNames: { '#leader': 'leader' },
          ExpressionAttributeValues: { ':leader': onlyOf },
        }),
  });
  const gone = await asked('dynamodb:DeleteItem', () => table.client.send(command), [conditionFailed]);
  return gone.ok || gone.error.details?.error === conditionFailed ? ok(undefined) : gone;
}

/** Looks before it writes: a thousand who wait ask for it again and again, and a refused write costs as much as a write. */
async function lead(table: Table, lane: string, leader: string, nowMs: number, untilMs: number): Outside<boolean> {
  const look = new GetCommand({ TableName: table.name, Key: keys.leader(lane) });
  const seen = await asked('dynamodb:GetItem', () => table.client.send(look));
  if (!seen.ok) return seen;
  const there = seen.value.Item;
  if (there && there.leader !== leader && Number(there.untilMs) > nowMs) return ok(false);
  const command = new PutCommand({
    TableName: table.name,
    Item: { leader, untilMs, ...keys.leader(lane) },
    ConditionExpression: 'attribute_not_exists(pk) OR #leader = :leader OR untilMs <= :now',
    ExpressionAttributeNames: { '#leader': 'leader' },
    ExpressionAttributeValues: { ':leader': leader, ':now': nowMs },
  });
  const taken = await asked('dynamodb:PutItem', () => table.client.send(command), [conditionFailed]);
  if (taken.ok) return ok(true);
  return taken.error.details?.error === conditionFailed ? ok(false) : fail(taken.error);
}

export const createFleet = (table: Table): Fleet => ({
  line: (api) => line(table, api),
  swapLine: (api, was, next) => swapLine(table, api, was, next),
  put: (lane, wish) => put(table, lane, wish),
  get: (lane, id) => get(table, lane, id),
  waiting: (lane, most) => waiting(table, lane, most),
  answer: (lane, id, given) => answer(table, lane, id, given),
  remove: (lane, id) => remove(table, keys.wish(lane, id)),
  lead: (lane, leader, nowMs, untilMs) => lead(table, lane, leader, nowMs, untilMs),
  leave: (lane, leader) => remove(table, keys.leader(lane), leader),
});
