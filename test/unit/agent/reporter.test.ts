// What a node says of itself, and how soon: whatever somebody decides by is told within two heartbeats.

import type { EngineStatus, Report } from '../../../core/model';
import { createAgentWorld } from '../../support/agent-world';
import { value } from '../../support/samples';

test.each<[string, Partial<EngineStatus>]>([
  ['its stream has come to another timeline', { received: { timeline: 2, bytes: 50_331_648 } }],
  ['that timeline began somewhere else', { forkedAt: { timeline: 2, bytes: 50_000_000 } }],
  ['its stream has ended', { streaming: false }],
])('a backup tells within two heartbeats that %s', async (_, change) => {
  const world = await createAgentWorld();
  const { db2 } = world.engines;
  if (!db2) throw new Error('db2 is not there');
  const told = async (): Promise<Report | undefined> =>
    value(await world.store.reports.list('alpha')).find(({ node }) => node === 'db2');
  // As soon as it has reported, so that the next report which is due anyhow is as far away as it can be.
  const before = (await told())?.seq;
  while ((await told())?.seq === before) await world.clock.advance(50);
  db2.status = { ...db2.status, ...change };
  await world.clock.advance(2 * world.config.timings.heartbeatMs);
  expect((await told())?.engine).toMatchObject(change);
});
