// The fleet's brake in DynamoDB: one item that counts, and a mark beside each cluster's lease. Port: Brake.
// Counting is one conditional update, so that a thousand who ask at once get no more places than there are. Must never be read
// eventually consistently: a window that is over would be taken for one that is full.

import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { Brake, BrakeRelease, BrakeState, BrakeWindow } from '../../core/brake';
import type { Outside } from '../../core/ports';
import { ok } from '../../core/result';
import { parsed } from '../records';
import { asked } from './outside';
import { getItem, keys, putItem, type Table } from './table';

const conditionFailed = 'ConditionalCheckFailedException';
const count = z.number().check(z.int(), z.gte(0));

/** Flat, because an update names single attributes. */
const brakeShape = z.looseObject({
  failovers: count,
  percent: z.number(),
  windowMs: z.number(),
  clusters: count,
  windowId: z.optional(z.string()),
  endsAtMs: z.optional(z.number()),
  taken: z.optional(count),
  releasedUntilMs: z.optional(z.number()),
  releasedBy: z.optional(z.string()),
  releaseReason: z.optional(z.string()),
});

function stateOf(item: z.infer<typeof brakeShape>): BrakeState {
  const { failovers, percent, windowMs, clusters, windowId, endsAtMs, taken, ...release } = item;
  const { releasedUntilMs: untilMs, releasedBy: by, releaseReason: reason } = release;
  return {
    limits: { failovers, percent, windowMs },
    clusters,
    window: windowId === undefined ? null : { id: windowId, endsAtMs: endsAtMs ?? 0, taken: taken ?? 0 },
    release: untilMs === undefined ? null : { untilMs, by: by ?? '', reason: reason ?? '' },
  };
}

async function read(table: Table): Outside<BrakeState | null> {
  const command = new GetCommand({ TableName: table.name, Key: keys.brake, ConsistentRead: true });
  const answer = await asked('dynamodb:GetItem', () => table.client.send(command));
  if (!answer.ok) return answer;
  if (!answer.value.Item) return ok(null);
  const item = parsed(brakeShape, "the fleet's brake", answer.value.Item);
  return item.ok ? ok(stateOf(item.value)) : item;
}

/** Sets these attributes; Refused where the condition does not hold. Names go in as aliases: `percent` and `clusters` are reserved. */
async function update(
  table: Table,
  set: Record<string, unknown>,
  condition?: { holds: string; values: Record<string, unknown> },
): Outside<void> {
  const attributes = Object.entries(set);
  const input: UpdateCommandInput = {
    TableName: table.name,
    Key: keys.brake,
    UpdateExpression: `SET ${attributes.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ExpressionAttributeNames: Object.fromEntries(attributes.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(attributes.map(([name, value]) => [`:${name}`, value])),
      ...condition?.values,
    },
    ...(condition === undefined ? {} : { ConditionExpression: condition.holds }),
  };
  return sent(table, input);
}

async function sent(table: Table, input: UpdateCommandInput): Outside<void> {
  const done = await asked('dynamodb:UpdateItem', () => table.client.send(new UpdateCommand(input)), [conditionFailed]);
  return done.ok ? ok(undefined) : done;
}

const open = (table: Table, was: BrakeWindow | null, { id, endsAtMs, taken }: BrakeWindow): Outside<void> =>
  update(
    table,
    { windowId: id, endsAtMs, taken },
    was === null
      ? { holds: 'attribute_not_exists(windowId)', values: {} }
      : { holds: 'windowId = :was', values: { ':was': was.id } },
  );

const take = (table: Table, windowId: string, places: number): Outside<void> =>
  sent(table, {
    TableName: table.name,
    Key: keys.brake,
    UpdateExpression: 'SET taken = taken + :one',
    ConditionExpression: 'windowId = :id AND taken < :places',
    ExpressionAttributeValues: { ':one': 1, ':id': windowId, ':places': places },
  });

async function mayPage(table: Table, windowId: string): Outside<boolean> {
  const holds = 'windowId = :id AND (attribute_not_exists(pagedFor) OR pagedFor <> :id)';
  const marked = await update(table, { pagedFor: windowId }, { holds, values: { ':id': windowId } });
  if (marked.ok) return ok(true);
  return marked.error.code === 'Refused' ? ok(false) : marked;
}

const release = (table: Table, { untilMs, by, reason }: BrakeRelease): Outside<void> =>
  update(table, { releasedUntilMs: untilMs, releasedBy: by, releaseReason: reason });

async function placeOf(table: Table, cluster: string): Outside<string | null> {
  const item = await getItem(table, keys.place(cluster));
  return item.ok ? ok(item.value === null ? null : String(item.value.windowId)) : item;
}

export const createBrake = (table: Table): Brake => ({
  read: () => read(table),
  configure: ({ failovers, percent, windowMs }, clusters) => update(table, { failovers, percent, windowMs, clusters }),
  open: (was, window) => open(table, was, window),
  take: (windowId, places) => take(table, windowId, places),
  placeOf: (cluster) => placeOf(table, cluster),
  putPlace: (cluster, windowId) => putItem(table, keys.place(cluster), { windowId }),
  mayPage: (windowId) => mayPage(table, windowId),
  release: (given) => release(table, given),
});
