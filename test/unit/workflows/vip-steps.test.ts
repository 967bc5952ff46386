// The steps that touch the VIP, over a record: the epoch they carry, the change's name for whoever looks later, and what the
// journal says about how far a record has got (T45).

import { createSequentialIds } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryRecordVip, createMemoryZone } from '../../../adapters/memory/zone';
import type { NameServers } from '../../../adapters/name-servers';
import { ok } from '../../../core/result';
import { runStep } from '../../../workflows/run-step';
import type { Ports } from '../../../workflows/step';
import { hastyClock } from '../../support/hasty-clock';
import { aConfig, aLease, aNode, aReport, value } from '../../support/samples';

const zoneId = 'Z0123456789';
const name = 'db.example.com';
const operation = { id: 'failover-1', kind: 'failover' as const, by: 'ann', since: '2026-01-01T00:00:00.000Z' };
const nodes = ['db1', 'db2', 'db3'].map((node, index) => aNode(node, { host: `192.0.2.1${index + 1}` }));

interface Circumstances {
  private?: boolean;
  /** What each name server answers. */
  answers?: string[];
  accepted?: boolean;
}

/** A failover to db2 at epoch 4, of a cluster whose VIP is a record that is at db1, given under epoch 3. */
async function world({ private: inside = false, answers = [], accepted = true }: Circumstances = {}) {
  const clock = hastyClock();
  const { leases, settings, journal, reports } = createMemoryStore();
  const zone = createMemoryZone({ zoneId, private: inside, nameServers: answers });
  const nameServers: NameServers = { ask: async (server) => [server] };
  const vip = {
    kind: 'route53' as const,
    hostedZoneId: zoneId,
    name,
    host: name,
    ttlS: 5,
    private: inside,
    port: 5432,
  };
  const config = aConfig('alpha', { nodes, vip });
  const probe = { epoch: 4, accepted, ms: 7, message: 'written' };
  const ports: Ports = {
    ...{ leases, settings, journal, clock },
    ...{ ids: createSequentialIds(), executions: createMemoryExecutions(), events: createMemoryEvents() },
    reports: { ...reports, list: async () => ok([aReport('alpha', 'db3', { probe })]) },
    poker: createMemoryPoker(),
    power: createMemoryPower({ clock, instanceIds: [] }),
    vip: createMemoryRecordVip(zone, clock, nameServers),
  };
  await settings.putConfig(config);
  value(await ports.vip.move(config, null, 'db1', 3));
  await leases.swap(null, aLease('alpha', { operation, epoch: 4, holder: 'db2' }));
  const run = (step: string) =>
    runStep(ports, {
      step,
      operation: operation.id,
      deadlineMs: 20_000,
      state: { cluster: 'alpha', epoch: 4, oldMain: 'db2', candidate: 'db2' },
    });
  const told = async () => value(await journal.list('alpha')).map(({ rule, because }) => `${rule}: ${because}`);
  return { ports, config, zone, clock, run, told };
}

test('T48: the VIP is moved, withdrawn and given back under the epoch of the lease', async () => {
  const { run, zone } = await world();
  const marker = () => zone.sets(name).find(({ type }) => type === 'TXT')?.values[0];
  value(await run('move-vip'));
  expect(marker()).toContain('epoch=4 holder=db2');
  value(await run('withdraw-vip'));
  expect(marker()).toContain('epoch=4 holder=none');
  value(await run('restore-vip'));
  expect(marker()).toContain('epoch=4 holder=db2');
});

test('T48: a record that is at a newer epoch stops the step, and is left alone', async () => {
  const { run, ports, config } = await world();
  value(await ports.vip.move(config, 'db1', 'db3', 5));
  const stopped = await run('move-vip');
  expect(stopped).toMatchObject({
    ok: false,
    error: { family: 'Halt', message: expect.stringContaining('epoch 4 is over') },
  });
  expect(value(await ports.vip.read(config))).toBe('db3');
});

test('T45: the move does not wait until the record is everywhere; confirm says that it is', async () => {
  const { run, told, clock } = await world({ answers: ['192.0.2.12', '192.0.2.12'] });
  value(await run('move-vip'));
  expect(clock.nowMs()).toBe(0);
  value(await run('confirm'));
  expect(await told()).toEqual([
    'move-vip: VIP db1 -> db2',
    'confirm: db3 wrote through the VIP in 7 ms; in sync at all 2 name servers after 0.0 s',
  ]);
});

test('T45: confirm ends without a record that stays behind, and the journal says whom clients may still find', async () => {
  const { run, told, clock } = await world({ answers: ['192.0.2.12', '192.0.2.11'] });
  value(await run('confirm'));
  expect(await told()).toEqual([
    'confirm: db3 wrote through the VIP in 7 ms; not yet in sync after 10.0 s (1 of 2 name servers): clients may still resolve db1',
  ]);
  expect(clock.nowMs()).toBeLessThanOrEqual(10_000);
});

test('T45: when nobody can write through the VIP, the refusal says how far the record has got', async () => {
  const { run } = await world({ answers: ['192.0.2.11'], accepted: false });
  const stopped = await run('confirm');
  const message = expect.stringMatching(
    /^nobody could write through the VIP at epoch 4; the record is not yet in sync after \d+\.\d s/,
  );
  expect(stopped).toMatchObject({ ok: false, error: { code: 'NotYet', message } });
});

test('T45: in a private zone confirm asks for the change by the name that the move has left in the journal', async () => {
  const { run, told, zone } = await world({ private: true });
  value(await run('move-vip'));
  zone.settle();
  value(await run('confirm'));
  expect((await told()).at(-1)).toBe(
    'confirm: db3 wrote through the VIP in 7 ms; in sync after 0.0 s, says Route 53 (private zone)',
  );
});
