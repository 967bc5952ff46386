// The fleet's brake in the step `verify`: who is held, who is not, and who is told.

import { createMemoryBrake } from '../../../adapters/memory/brake';
import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { broken } from '../../../adapters/problems';
import { type BrakeLimits, defaultBrake, placesIn } from '../../../core/brake';
import { fail } from '../../../core/result';
import { runStep } from '../../../workflows/run-step';
import type { Ports } from '../../../workflows/step';
import { createFaultScript } from '../../support/fault-script';
import { aConfig, aLease, aReport, problem, value } from '../../support/samples';

const limits: BrakeLimits = { failovers: 2, percent: 0, windowMs: 600_000 };

/** So many clusters, each with a main that has been silent for a ttl, and a backup that could take over. */
async function aFleet(clusters: number, brakeLimits: BrakeLimits | null = limits) {
  const clock = createVirtualClock();
  const ids = createSequentialIds();
  const script = createFaultScript();
  const brake = createMemoryBrake({ faults: script });
  const events = createMemoryEvents();
  const store = createMemoryStore();
  const ports: Ports = {
    ...{ ...store, brake, events, clock, ids },
    executions: createMemoryExecutions(),
    poker: createMemoryPoker(),
    tasks: createMemoryTasks({ clock }),
    power: createMemoryPower({ clock, instanceIds: [] }),
    vip: createMemoryVip(createMemoryAddresses({ allocationIds: [] }), clock, store.leases),
  };
  if (brakeLimits) value(await brake.configure(brakeLimits, clusters));
  for (let n = 1; n <= clusters; n++) {
    value(await store.settings.putConfig(aConfig(`c${n}`)));
    value(await store.leases.swap(null, aLease(`c${n}`)));
    for (const node of ['db1', 'db2', 'db3']) value(await store.reports.put(aReport(`c${n}`, node)));
  }
  const watched = { epoch: 1, renewals: 0, silentMs: 10_000, seenBy: 'db2' };
  const verify = (cluster: string, by = 'automatic', operation = `${cluster}-1`) =>
    clock.until(runStep(ports, { step: 'verify', state: { cluster, by, watched }, operation, deadlineMs: 30_000 }));
  const notes = async (cluster: string) =>
    value(await store.journal.list(cluster))
      .map(({ because }) => because)
      .join('; ');
  return {
    verify,
    notes,
    brake,
    clock,
    events,
    script,
    taken: async () => value(await brake.read())?.window?.taken ?? 0,
  };
}

const ten = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'c10'];

test('T66: the brake lets so many clusters through and holds the next, and exactly one person is told', async () => {
  const fleet = await aFleet(10);
  const outcomes = await Promise.all(ten.map((name) => fleet.verify(name)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
  const held = outcomes.filter(({ ok }) => !ok).map(problem);
  expect(held.map(({ family, code }) => `${family}.${code}`)).toEqual(Array(8).fill('Undo.Braked'));
  expect(held[0]?.next).toMatch(/mainstay brake release, or for this one: mainstay failover c\d+/);
  expect(fleet.events.published).toMatchObject([
    {
      type: 'Attention Needed',
      detail: {
        because: expect.stringMatching(/^the brake holds c\d+: 2 of 10 clusters have failed over by themselves/),
        next: 'look for what they have in common: mainstay brake status',
        section: 'the-brake-holds',
      },
    },
  ]);
});

test('T59: a cluster counts once in a window, however often it is tried', async () => {
  const fleet = await aFleet(3);
  for (const attempt of [1, 2, 3, 4]) value(await fleet.verify('c1', 'automatic', `c1-${attempt}`));
  expect(await fleet.taken()).toBe(1);
  value(await fleet.verify('c2'));
  expect(problem(await fleet.verify('c3')).code).toBe('Braked');
  value(await fleet.verify('c1', 'automatic', 'c1-5'));
});

test('a person is never held, and takes no place', async () => {
  const fleet = await aFleet(4);
  for (const name of ['c1', 'c2', 'c3', 'c4']) value(await fleet.verify(name, 'ann'));
  expect(await fleet.taken()).toBe(0);
});

test('the window ends by itself, the next one has places again and pages again', async () => {
  const fleet = await aFleet(10);
  for (const name of ['c1', 'c2', 'c3', 'c4']) await fleet.verify(name);
  await fleet.clock.advance(limits.windowMs);
  value(await fleet.verify('c3'));
  value(await fleet.verify('c4'));
  expect(problem(await fleet.verify('c5')).code).toBe('Braked');
  expect(fleet.events.published).toHaveLength(2);
});

test('a release lets everybody through until it is over', async () => {
  const fleet = await aFleet(10);
  for (const name of ['c1', 'c2', 'c3']) await fleet.verify(name);
  const untilMs = Date.parse(fleet.clock.wall()) + 60_000;
  value(await fleet.brake.release({ untilMs, by: 'ann', reason: 'the zone is gone' }));
  for (const name of ['c3', 'c4', 'c5']) value(await fleet.verify(name));
  await fleet.clock.advance(60_000);
  expect(problem(await fleet.verify('c6')).code).toBe('Braked');
});

test('a brake that cannot be asked is asked again, and one that was never configured holds nobody', async () => {
  const fleet = await aFleet(3);
  for (const method of ['read', 'open', 'placeOf']) {
    fleet.script.next(method, 'timeout-before');
    expect(problem(await fleet.verify('c1'))).toMatchObject({ family: 'Retry', code: 'Unreachable' });
  }
  const without = await aFleet(5, null);
  for (const name of ['c1', 'c2', 'c3', 'c4', 'c5']) value(await without.verify(name));
});

test.each(['read', 'placeOf', 'open', 'take'] as const)(
  'a brake that is broken in %s holds nobody, and the failover says so',
  async (method) => {
    const fleet = await aFleet(2);
    if (method === 'take') value(await fleet.verify('c1'));
    fleet.brake[method] = async () => fail(broken("the fleet's brake has no number `taken`", 'deploy the stack'));
    value(await fleet.verify('c2'));
    expect(await fleet.notes('c2')).toContain(
      "the brake is broken and holds nobody: the fleet's brake has no number `taken`; next: deploy the stack",
    );
    expect(fleet.events.published).toEqual([]);
  },
);

test('by default a zone of three may go, and so may a small fleet as a whole', () => {
  const places = (clusters: number) => placesIn({ limits: defaultBrake, clusters });
  expect([places(3), places(10), places(30), places(1000)]).toEqual([10, 10, 15, 500]);
  for (const clusters of [3, 30, 300, 3000]) expect(places(clusters)).toBeGreaterThanOrEqual(Math.ceil(clusters / 3));
});
