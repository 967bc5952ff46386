// How old the last renewal is and whose agent is silent, as somebody sees it who looks once a minute.

import { createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryStore } from '../../../adapters/memory/store';
import { unreachable } from '../../../adapters/problems';
import type { Lease } from '../../../core/model';
import { fail } from '../../../core/result';
import { type Looked, lookAtHeartbeats } from '../../../workflows/heartbeats';
import { aConfig, aLease, aReport, renewed, value } from '../../support/samples';

async function world(change: Partial<Lease> = {}) {
  const clock = createVirtualClock();
  const { leases, settings, reports } = createMemoryStore();
  await settings.putConfig(aConfig('alpha'));
  await leases.swap(null, aLease('alpha', change));
  let seq = 0;
  const ports = { clock, leases, settings, reports };
  const beat = async (...nodes: string[]) => {
    seq += 1;
    for (const node of nodes) await reports.put(aReport('alpha', node, { seq }));
    const lease = value(await leases.read('alpha')) as Lease;
    if (nodes.includes('db1')) await leases.swap(lease, renewed(lease, `n${seq}`));
  };
  const look = async (before: Looked | null) => {
    const looked = value(await clock.until(lookAtHeartbeats(ports, before)));
    return { looked, heartbeat: looked.sights.get('alpha')?.heartbeat };
  };
  return { ports, clock, beat, look };
}

test('a cluster that renews and reports is 0 ms old and has no silent node', async () => {
  const { clock, beat, look } = await world();
  const first = await look(null);
  await clock.advance(40_000);
  await beat('db1', 'db2', 'db3');
  expect((await look(first.looked)).heartbeat).toEqual({ cluster: 'alpha', ageMs: 0, silentNodes: [] });
});

test('T9: who remembers nothing looks, waits, and looks again', async () => {
  const { clock, look } = await world();
  expect((await look(null)).heartbeat).toEqual({ cluster: 'alpha', ageMs: 20_000, silentNodes: ['db1', 'db2', 'db3'] });
  expect(clock.nowMs()).toBe(20_000);
});

test('silence adds up from look to look, and a renewal ends it', async () => {
  const { clock, beat, look } = await world();
  const first = await look(null);
  await clock.advance(60_000);
  const second = await look(first.looked);
  expect(second.heartbeat?.ageMs).toBe(80_000);
  await beat('db1');
  expect((await look(second.looked)).heartbeat?.ageMs).toBe(0);
});

test.each(['paused', 'vacant'] as const)(
  'nobody should renew a %s lease, and what was paused is not silent when it goes on',
  async (phase) => {
    const { clock, ports, look } = await world({ phase });
    const first = await look(null);
    await clock.advance(600_000);
    const second = await look(first.looked);
    expect(second.heartbeat?.ageMs).toBe(0);
    const lease = value(await ports.leases.read('alpha')) as Lease;
    await ports.leases.swap(lease, { ...lease, phase: 'held', version: lease.version + 1, nonce: 'resumed' });
    await clock.advance(10_000);
    expect((await look(second.looked)).heartbeat?.ageMs).toBe(10_000);
  },
);

test('a node whose agent is silent is named, one that is kept out is not', async () => {
  const { clock, beat, look } = await world({ shunned: { db3: { label: 'FAILED-OVER-TO-db1', epoch: 1 } } });
  await beat('db1', 'db2', 'db3');
  const first = await look(null);
  await clock.advance(40_000);
  await beat('db1');
  expect((await look(first.looked)).heartbeat?.silentNodes).toEqual(['db2']);
});

test('a cluster that could not be looked at has no figure, and the others have', async () => {
  const { ports, clock, look } = await world();
  await ports.settings.putConfig(aConfig('beta'));
  await ports.leases.swap(null, aLease('beta'));
  const { leases } = ports;
  ports.leases = {
    ...leases,
    read: async (name) => (name === 'alpha' ? fail(unreachable('throttled', 'try again')) : leases.read(name)),
  };
  const { looked } = await look(null);
  expect([...looked.sights.keys()]).toEqual(['beta']);
  expect(looked.problems).toEqual(['alpha: throttled']);
  expect(clock.sleepers()).toBe(0);
});
