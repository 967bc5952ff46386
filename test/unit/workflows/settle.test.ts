// The plan `settle`: what it makes of each phase that an abandoned operation can leave the lease in, and that it gives way to
// whoever goes on meanwhile. The nodes here do at once what the lease says; the simulation has those that do not.

import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { unreachable } from '../../../adapters/problems';
import type { ChangeRequest } from '../../../core/clauses';
import { changed, type TransitionName } from '../../../core/lease';
import type { Lease, Operation, Report } from '../../../core/model';
import { fail, ok } from '../../../core/result';
import { interpret } from '../../../workflows/interpreter';
import { plans } from '../../../workflows/plans';
import { runStep, type StepCall } from '../../../workflows/run-step';
import type { Ports } from '../../../workflows/step';
import { aConfig, aLease, anAddress, aReport, value } from '../../support/samples';

const config = aConfig('alpha');
const allocationId = anAddress(config);
const since = '2026-01-01T00:00:00.000Z';
const left: Operation = { id: 'left', kind: 'switchover', by: 'ann', since };
const failover: Operation = { id: 'failover-1', kind: 'failover', by: 'automatic', since };

/** What a node reports that has done what the lease says. */
function obedient({ epoch, version, holder, drain, operation }: Lease, node: string): Report {
  const { engine, ...report } = aReport('alpha', node, { seen: { epoch, version } });
  const main = node === holder;
  return {
    ...report,
    engine: { ...engine, writable: main && drain === null, following: main ? null : holder, streaming: !main },
    probe: operation?.probeEpoch === epoch ? { epoch, accepted: true, ms: 5, message: 'written' } : null,
  };
}

/** The cluster as an execution left it that has ended: its operation `left` on the lease, and the VIP where it happened to be. */
async function leftWith(change: Partial<Lease>, vipAt: string | null = null) {
  const clock = createVirtualClock();
  const ids = createSequentialIds();
  const { leases, settings, journal, reports, waits } = createMemoryStore();
  const executions = createMemoryExecutions();
  const events = createMemoryEvents();
  const addresses = createMemoryAddresses({ allocationIds: [allocationId] });
  const lease = async () => value(await leases.read('alpha')) as Lease;
  const list = async () => {
    const now = await lease();
    return ok(config.nodes.map(({ name }) => obedient(now, name)));
  };
  const ports: Ports = {
    ...{ leases, settings, journal, executions, events, waits, clock, ids },
    reports: { ...reports, list },
    poker: createMemoryPoker(),
    power: createMemoryPower({ clock, instanceIds: [] }),
    tasks: createMemoryTasks({ clock }),
    vip: createMemoryVip(addresses, clock, leases),
  };
  addresses.steal(allocationId, vipAt && `i-${vipAt}`);
  await settings.putConfig(config);
  await leases.swap(null, aLease('alpha', { operation: left, ...change }));
  return {
    ...{ ports, lease, executions, events, clock },
    vipAt: () => addresses.target(allocationId),
    others: async (name: TransitionName, request: ChangeRequest) => {
      const was = await lease();
      value(await leases.swap(was, value(changed(was, name, request, ids.next()))));
    },
    begin: (id = 'settle-1', stepRunner = runStep) => {
      executions.began(id);
      return interpret(ports, plans.settle, { cluster: 'alpha' }, id, { stepRunner }).finally(() =>
        executions.ended(id),
      );
    },
  };
}

type World = Awaited<ReturnType<typeof leftWith>>;

const claimedBy = async (world: World) =>
  world.others('claim', { operation: failover, watched: { ...(await world.lease()) } });

const asChecklist = (...steps: string[]) => {
  const { entries, afterUndo } = plans.settle;
  return [...entries, afterUndo].flatMap((entry) =>
    'step' in entry && steps.includes(entry.step) ? [entry.name] : [],
  );
};

test.each<[string, Partial<Lease>, string | null]>([
  ['held, drained and without its VIP', { drain: 'transfer' }, null],
  ['held, with its VIP withdrawn', {}, null],
  ['held, with the VIP still at the former main', { epoch: 2, former: 'db2' }, 'db2'],
  ['held, and nothing else was touched', {}, 'db1'],
])('T50: a lease that is %s is served again under the same epoch, with nothing on it', async (_, change, vipAt) => {
  const world = await leftWith(change, vipAt);
  const before = await world.lease();
  const { end, trace } = await world.clock.until(world.begin());
  expect(end).toBe('done');
  expect(trace).toEqual(plans.settle.entries.map(({ name }) => name));
  expect(await world.lease()).toMatchObject({ phase: 'held', holder: 'db1', drain: null, operation: null });
  expect([(await world.lease()).epoch, world.vipAt()]).toEqual([before.epoch, 'i-db1']);
});

test('T50: a node that was granted the lease gets the VIP when it has become main, and not before', async () => {
  const world = await leftWith({ phase: 'granted', holder: 'db2', former: 'db1', epoch: 2 }, 'db1');
  const settling = world.begin();
  await world.clock.advance(5000);
  expect([(await world.lease()).operation?.id, world.vipAt()]).toEqual(['settle-1', 'i-db1']);
  await world.others('renew', { node: 'db2', epoch: 2 });
  expect((await world.clock.until(settling)).end).toBe('done');
  expect(await world.lease()).toMatchObject({ phase: 'held', holder: 'db2', epoch: 2, operation: null });
  expect(world.vipAt()).toBe('i-db2');
});

test('T50: a node that was granted the lease and never becomes main is told to a person, and holds no lock', async () => {
  const world = await leftWith({ phase: 'granted', holder: 'db2', former: 'db1', epoch: 2 }, 'db1');
  const { end, problem } = await world.clock.until(world.begin());
  expect([end, problem?.code]).toEqual(['paged', 'PromoteFailed']);
  expect([(await world.lease()).operation, world.vipAt()]).toEqual([null, 'i-db1']);
  expect(world.events.published.map(({ type }) => type)).toEqual(['Attention Needed']);
});

test.each<[string, Partial<Lease>]>([
  ['claimed', { phase: 'claimed', holder: null, former: 'db1', epoch: 2 }],
  ['abdicated', { phase: 'abdicated' }],
  ['paused', { phase: 'paused', pausedBy: 'stop' }],
  ['held and being paused by an operator', { drain: 'pause' }],
])(
  'T50: a lease that is %s has nobody to settle on: the operation is taken off, and nothing else changes',
  async (_, change) => {
    const world = await leftWith(change);
    const before = await world.lease();
    const { end, problem, trace } = await world.clock.until(world.begin());
    expect([end, problem?.family, problem?.code]).toEqual(['undone', 'Undo', 'NotServing']);
    expect(trace).toEqual(asChecklist('check-settle', 'begin-settle', 'adopt', 'abort'));
    const { version, nonce, ...after } = await world.lease();
    expect(before).toMatchObject({ ...after, operation: left });
    expect([after.operation, version, world.vipAt()]).toEqual([null, before.version + 2, null]);
  },
);

test.each<[string, Partial<Lease>, boolean, string]>([
  ['whose operation is running', {}, true, 'left is running'],
  ['without an operation and with its VIP', { operation: null }, false, 'the VIP is at the main'],
  ['without an operation, that is claimed', { operation: null, phase: 'claimed', holder: null }, false, 'is claimed'],
])('T50: a cluster %s is left alone, and the reason is told', async (_, change, running, because) => {
  const world = await leftWith(change, 'db1');
  if (running) world.executions.began('left');
  const before = await world.lease();
  const { end, problem } = await world.clock.until(world.begin());
  expect([end, problem?.code]).toEqual(['undone', 'NotAbandoned']);
  expect(problem?.message).toContain(because);
  expect(await world.lease()).toEqual(before);
});

test('T50: an operation that could not be asked about is not taken over', async () => {
  const world = await leftWith({});
  const before = await world.lease();
  world.ports.executions = { running: async () => fail(unreachable('no answer', 'try again')) };
  const { end, problem } = await world.clock.until(world.begin());
  expect([end, problem?.code]).toEqual(['undone', 'Unreachable']);
  expect(await world.lease()).toEqual(before);
});

test.each(['adopt', 'promote', 'reopen', 'move-vip', 'reconfigure', 'restart', 'confirm'])(
  'T48, T50: a failover that claims just before %s is given way to: its operation stays, and nothing more is touched',
  async (last) => {
    const world = await leftWith({ drain: 'transfer' });
    let found: [Lease, string | null] | null = null;
    const claiming = async (ports: Ports, call: StepCall) => {
      if (call.step === last) {
        await claimedBy(world);
        found = [await world.lease(), world.vipAt()];
      }
      return runStep(ports, call);
    };
    const { end, problem } = await world.clock.until(world.begin('settle-1', claiming));
    expect([end, problem?.code]).toEqual(['paged', 'StaleEpoch']);
    expect([await world.lease(), world.vipAt()]).toEqual(found);
  },
);

test('T48, T50: a settle whose every step runs twice ends as if each had run once', async () => {
  const world = await leftWith({ drain: 'transfer' });
  const twice = async (ports: Ports, call: StepCall) => {
    await runStep(ports, call);
    return runStep(ports, call);
  };
  expect((await world.clock.until(world.begin('settle-1', twice))).end).toBe('done');
  expect(await world.lease()).toMatchObject({ phase: 'held', drain: null, epoch: 1, operation: null });
  expect(world.vipAt()).toBe('i-db1');
});

test('T48, T50: a check that is called again when the operation has begun finds its own and has nothing against it', async () => {
  const world = await leftWith({});
  let again: unknown;
  const late = async (ports: Ports, call: StepCall) => {
    if (call.step === 'adopt') again = await runStep(ports, { ...call, step: 'check-settle' });
    return runStep(ports, call);
  };
  expect((await world.clock.until(world.begin('settle-1', late))).end).toBe('done');
  expect(again).toMatchObject({ ok: true });
});

test('T50, T53: an abandoned operation that somebody else takes over after the check is not taken from them', async () => {
  const world = await leftWith({ drain: 'transfer' });
  const theirs: Operation = { ...left, id: 'theirs' };
  const overtaken = async (ports: Ports, call: StepCall) => {
    if (call.step === 'begin-settle') {
      world.executions.began('theirs');
      await world.others('begin', { operation: theirs, abandoned: 'left' });
    }
    return runStep(ports, call);
  };
  const { end, problem } = await world.clock.until(world.begin('settle-1', overtaken));
  expect([end, problem?.code]).toEqual(['undone', 'Busy']);
  expect(await world.lease()).toMatchObject({ operation: theirs, drain: 'transfer' });
  expect(world.vipAt()).toBeNull();
});

test('T49, T50: of two that are started for one operation the second does nothing, beside the first and after it', async () => {
  const world = await leftWith({ drain: 'transfer' });
  const beside: unknown[] = [];
  const first = async (ports: Ports, call: StepCall) => {
    const { version } = await world.lease();
    if (call.step === 'move-vip') beside.push((await world.begin('settle-2')).problem?.code);
    if (call.step === 'move-vip') expect((await world.lease()).version).toBe(version);
    return runStep(ports, call);
  };
  expect((await world.clock.until(world.begin('settle-1', first))).end).toBe('done');
  const before = await world.lease();
  const after = await world.clock.until(world.begin('settle-3'));
  expect([...beside, after.problem?.code]).toEqual(['NotAbandoned', 'NotAbandoned']);
  expect(await world.lease()).toEqual(before);
});

test('T50: a settle that is stopped after any of its steps is settled by the next one', async () => {
  const stops = plans.settle.entries.flatMap((entry) => ('step' in entry ? [entry.step] : []));
  for (const last of stops.slice(1, -1)) {
    const world = await leftWith({ drain: 'transfer' });
    const stopped = new Promise<void>((stop) => {
      const stopping = async (ports: Ports, call: StepCall) => {
        const result = await runStep(ports, call);
        if (call.step !== last) return result;
        stop();
        return new Promise<typeof result>(() => undefined);
      };
      void world.begin('settle-1', stopping);
    });
    await world.clock.until(stopped);
    world.executions.ended('settle-1');
    expect([last, (await world.clock.until(world.begin('settle-2'))).end]).toEqual([last, 'done']);
    expect(await world.lease()).toMatchObject({ phase: 'held', drain: null, epoch: 1, operation: null });
    expect(world.vipAt()).toBe('i-db1');
  }
});
