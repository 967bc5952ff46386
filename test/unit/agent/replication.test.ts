// Whom a main's commits wait for, as its agent tells the engine and the lease; the rules themselves are core's.

import type { Lease } from '../../../core/model';
import type { Follower } from '../../../core/replication';
import { type AgentWorld, createAgentWorld } from '../../support/agent-world';

const bar = { by: 'a test', reason: 'its disk is slow', at: '2026-01-01T00:00:00.000Z' };
const streams = (node: string): Follower => ({ node, streaming: true, flushedBytes: Number.MAX_SAFE_INTEGER });

async function syncWorld(lease: Partial<Lease>, followers: string[]): Promise<AgentWorld> {
  const world = await createAgentWorld({ replication: { mode: 'sync', backups: 1 } }, { lease });
  const { db1 } = world.engines;
  if (db1) db1.followers = followers.map(streams);
  await world.clock.advance(10_000);
  return world;
}

test('who is barred by a person is not the one backup on record while another could take over', async () => {
  const world = await syncWorld({ barred: { db2: bar } }, ['db2', 'db3']);
  expect((await world.lease()).synced).toEqual(['db3']);
});

test('where the only node on record gets barred, one that may take over joins it', async () => {
  const world = await syncWorld({}, ['db2', 'db3']);
  expect((await world.lease()).synced).toEqual(['db2']);
  await world.setLease({ barred: { db2: bar } });
  await world.clock.advance(10_000);
  expect((await world.lease()).synced).toEqual(['db2', 'db3']);
});

test('T30: a barred node is waited for and on record while there is nobody else: a copy that may not take over is one', async () => {
  const world = await syncWorld({ barred: { db2: bar } }, ['db2']);
  expect((await world.lease()).synced).toEqual(['db2']);
});
