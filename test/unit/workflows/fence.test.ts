// The fence: what proves that a former main is stopped, what does not, how often is looked, and who is told.

import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { broken, unreachable } from '../../../adapters/problems';
import { changed } from '../../../core/lease';
import type { ClusterConfig, FenceRung, Lease, Operation, Report } from '../../../core/model';
import type { Power, PowerState } from '../../../core/ports';
import { fail, ok } from '../../../core/result';
import { interpret } from '../../../workflows/interpreter';
import { plans } from '../../../workflows/plans';
import { runStep } from '../../../workflows/run-step';
import type { Ports } from '../../../workflows/step';
import { sweep } from '../../../workflows/sweep';
import { wake, wakeForNode } from '../../../workflows/wake';
import { aConfig, aLease, aReport, value } from '../../support/samples';

const operation: Operation = { id: 'failover-1', kind: 'failover', by: 'automatic', since: '2026-01-01T00:00:00.000Z' };
const word = { by: 'ann', reason: 'both power cords are out', at: '2026-01-01T00:00:00.000Z' };
const input = { cluster: 'alpha', epoch: 8, watched: { epoch: 7, renewals: 0, silentMs: 9000, seenBy: 'db2' } };

interface Setting {
  fence?: FenceRung[];
  report?: Partial<Report> | null;
  power?: Partial<Power>;
  /** How long EC2 takes to stop an instance. */
  stopMs?: number;
  change?: Partial<ClusterConfig>;
}

/** db1 was main at epoch 7, is cut off, and its lease is claimed at epoch 8. */
async function claimed({
  fence = ['demote-ack', 'power-off', 'operator'],
  report = {},
  power = {},
  stopMs = 3000,
  change = {},
}: Setting = {}) {
  const clock = createVirtualClock();
  const ids = createSequentialIds();
  const { leases, settings, journal, reports, waits } = createMemoryStore();
  const events = createMemoryEvents();
  const executions = createMemoryExecutions();
  const tasks = createMemoryTasks({ clock });
  const calls: { method: string; atMs: number }[] = [];
  const instances = createMemoryPower({ clock, instanceIds: ['i-db1', 'i-db2', 'i-db3'], stopMs });
  const counted: Power = { ...instances, ...power };
  const watched = Object.fromEntries(
    Object.entries(counted).map(([method, run]) => [
      method,
      (...args: unknown[]) => {
        calls.push({ method, atMs: clock.nowMs() });
        return (run as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Power;
  const ports: Ports = {
    ...{ leases, settings, journal, reports, waits, tasks, events, executions, clock, ids },
    poker: createMemoryPoker(),
    power: watched,
    vip: createMemoryVip(createMemoryAddresses({ allocationIds: ['eipalloc-alpha'] }), clock, leases),
  };
  const config = aConfig('alpha', { fence, consumers: [], ...change });
  await settings.putConfig(config);
  const held = { epoch: 8, phase: 'claimed' as const, holder: null, former: 'db1', operation, version: 20 };
  await leases.swap(
    null,
    aLease('alpha', { ...held, version: 1, shunned: { db1: { label: 'FAILED-OVER', epoch: 8 } } }),
  );
  const says = (more: Partial<Report>) =>
    reports.put(aReport('alpha', 'db1', { state: 'main', seen: { epoch: 7, version: 0 }, ...more }));
  if (report) await says(report);
  const lease = async () => value(await leases.read('alpha')) as Lease;
  const write = async (name: 'vouch' | 'claim' | 'prove', request: Parameters<typeof changed>[2]) => {
    const was = await lease();
    return value(await leases.swap(was, value(changed(was, name, request, ids.next()))));
  };
  return {
    ...{ ports, clock, events, tasks, calls, instances, config, says, lease, write, executions },
    vouch: () => write('vouch', { node: 'db1', epoch: 8, word }),
    fence: (deadlineMs = 600_000) =>
      runStep(ports, { step: 'fence', state: input, operation: operation.id, deadlineMs }),
    verdicts: async () =>
      value(await journal.list('alpha')).flatMap(({ rule, because }) => (rule === 'verdict' ? [because] : [])),
    entries: async () => value(await journal.list('alpha')),
  };
}

const wayOf = async (world: Awaited<ReturnType<typeof claimed>>) => (await world.lease()).fence;

// ---- what proves

test('T11: an instance that is asked to stop, or is stopping, proves nothing; stopped does, and every verdict is journaled once', async () => {
  const world = await claimed();
  const done = await world.clock.until(world.fence());
  expect(done.ok && done.value.proof).toMatchObject({ how: 'power-off', evidence: 'instance i-db1 of db1 is stopped' });
  expect(await world.verdicts()).toEqual([
    'UNPROVEN by demote-ack: db1 says at epoch 7: main, engine running and has said nothing since the claim',
    'UNPROVEN by power-off: instance i-db1 of db1 is stopping',
    'UNPROVEN by operator: nobody has confirmed it',
  ]);
  const last = (await world.entries()).find(({ rule }) => rule === 'fence');
  expect(last?.details).toMatchObject({ verdict: 'PROVEN', how: 'power-off' });
});

test.each(['stopping', 'shutting-down', 'pending', 'running'] satisfies PowerState[])(
  'T11: an instance that is %s for the whole deadline is UNPROVEN, and nobody is promoted',
  async (state) => {
    const world = await claimed({ power: { state: async () => ok(state) } });
    const done = await world.clock.until(world.fence());
    expect(done.ok || done.error).toMatchObject({
      family: 'Halt',
      code: 'Unproven',
      message: expect.stringContaining(state),
    });
    expect(await wayOf(world)).toBeNull();
  },
);

test('T11: a terminated instance is proven stopped though the cut was refused', async () => {
  const world = await claimed({ stopMs: 1e9 });
  world.instances.set('i-db1', 'terminated');
  const done = await world.clock.until(world.fence());
  expect(done.ok && done.value.proof).toMatchObject({
    how: 'power-off',
    evidence: 'instance i-db1 of db1 is terminated',
  });
});

test('T12: an instance that does not stop is cut again every minute, and after five the verdict says so', async () => {
  const world = await claimed({ stopMs: 1e9 });
  await world.clock.until(world.fence());
  const cuts = world.calls.filter(({ method }) => method === 'cut').map(({ atMs }) => Math.round(atMs / 1000));
  expect(cuts.length).toBeGreaterThanOrEqual(9);
  expect(cuts.length).toBeLessThanOrEqual(10);
  expect(await world.verdicts()).toContain(
    'UNPROVEN by power-off: instance i-db1 of db1 is stopping for more than 5 minutes: after 10, AWS support has to look at its host',
  );
});

// ---- what does not answer

test('T13: a throttled cut is asked for again after five seconds, and EC2 that does not answer proves nothing', async () => {
  let refusals = 3;
  const base = await claimed();
  const world = await claimed({
    power: {
      cut: async (ids) => {
        refusals -= 1;
        return refusals >= 0
          ? fail(unreachable('ec2:StopInstances: RequestLimitExceeded', 'later'))
          : world.instances.cut(ids);
      },
    },
  });
  const done = await world.clock.until(world.fence());
  expect(done.ok && done.value.proof?.how).toBe('power-off');
  const cuts = world.calls.filter(({ method }) => method === 'cut').map(({ atMs }) => atMs);
  expect(cuts).toHaveLength(4);
  for (const [at, cutMs] of cuts.entries())
    if (at > 0) expect(cutMs - (cuts[at - 1] ?? 0)).toBeGreaterThanOrEqual(5000);
  expect(base.calls).toEqual([]);
});

test('T13, T66: EC2 is asked once a second at the most, while reports are looked at twenty times', async () => {
  const world = await claimed({ stopMs: 12_000 });
  let looks = 0;
  const { list } = world.ports.reports;
  const counting: typeof list = (cluster) => {
    looks += 1;
    return list(cluster);
  };
  world.ports.reports = { ...world.ports.reports, list: counting };
  const beganMs = world.clock.nowMs();
  await world.clock.until(world.fence());
  const seconds = (world.clock.nowMs() - beganMs) / 1000;
  const asked = world.calls.filter(({ method }) => method === 'state').map(({ atMs }) => atMs);
  expect(asked.length).toBeLessThanOrEqual(seconds);
  for (const [at, askedMs] of asked.entries())
    if (at > 0) expect(askedMs - (asked[at - 1] ?? 0)).toBeGreaterThanOrEqual(1000);
  expect(looks).toBeGreaterThan(15 * seconds);
});

test('T19: a permission that is missing is told at once and once, is in the journal, and proves nothing', async () => {
  const forbidden = fail(broken('ec2:StopInstances: UnauthorizedOperation: no', 'allow the action ec2:StopInstances'));
  const world = await claimed({ power: { cut: async () => forbidden } });
  const running = world.fence();
  await world.clock.advance(5000);
  expect(world.events.published).toHaveLength(1);
  expect(world.events.published[0]).toMatchObject({
    type: 'Attention Needed',
    detail: {
      node: 'db1',
      because: expect.stringContaining('UnauthorizedOperation'),
      next: expect.stringContaining('confirm-fenced'),
    },
  });
  const done = await world.clock.until(running);
  expect(done.ok || done.error.code).toBe('Unproven');
  // Once for the permission, once because a minute has passed.
  expect(world.events.published).toHaveLength(2);
  expect(await world.verdicts()).toContain(
    'UNPROVEN by power-off: instance i-db1 of db1 is running; it cannot be cut: ec2:StopInstances: UnauthorizedOperation: no',
  );
});

test('T19: a look-up that fails is no verdict about the instance', async () => {
  const world = await claimed({
    power: { state: async () => fail(broken('ec2:DescribeInstances: UnauthorizedOperation', 'allow it')) },
  });
  const done = await world.clock.until(world.fence());
  expect(done.ok || done.error.code).toBe('Unproven');
  expect(world.events.published[0]?.detail.because).toContain('DescribeInstances');
});

// ---- a person's word

test('T54: a person’s word is found while the fence looks, with name and reason, after the node had its chance to contradict', async () => {
  const world = await claimed({ power: { cut: async () => fail(unreachable('no answer', 'later')) } });
  const running = world.fence();
  await world.clock.advance(10_000);
  await world.vouch();
  const done = await world.clock.until(running);
  expect(done.ok && done.value.proof).toEqual({
    node: 'db1',
    epoch: 8,
    how: 'operator',
    evidence: 'ann: both power cords are out',
  });
  const seconds = world.clock.nowMs() / 1000;
  expect(seconds).toBeGreaterThan(12);
  expect(seconds).toBeLessThan(15);
});

test('T54: what the node itself says after the word weighs more: its engine runs, and nobody is promoted', async () => {
  const world = await claimed({ fence: ['operator', 'demote-ack'] });
  const { version } = await world.vouch();
  await world.says({ seq: 2, state: 'main', seen: { epoch: 8, version } });
  const done = await world.clock.until(world.fence(60_000));
  expect(done.ok || done.error.code).toBe('Unproven');
  expect(await world.verdicts()).toContain(
    'UNPROVEN by operator: db1 itself contradicts, its engine runs (ann: both power cords are out)',
  );
});

test('T54: a word of an older epoch, or for another node, is not believed', async () => {
  for (const change of [{ epoch: 7 }, { node: 'db3' }]) {
    const world = await claimed({ fence: ['operator', 'demote-ack'] });
    const was = await world.vouch();
    const vouched = { ...word, node: 'db1', epoch: 8, version: was.version, ...change };
    value(await world.ports.leases.swap(was, { ...was, vouched, version: was.version + 1, nonce: 'planted' }));
    const done = await world.clock.until(world.fence(30_000));
    expect(done.ok || done.error.code).toBe('Unproven');
  }
});

test('a configuration that leaves `operator` out lets no word count', async () => {
  const world = await claimed({ fence: ['demote-ack'] });
  await world.vouch();
  const done = await world.clock.until(world.fence(30_000));
  expect(done.ok || done.error.code).toBe('Unproven');
});

test('T54: a fence that looks while the lease moves on stops at once and touches nothing', async () => {
  const world = await claimed({ stopMs: 1e9 });
  const running = world.fence();
  await world.clock.advance(4000);
  await world.write('claim', {
    watched: { epoch: 8, renewals: 0 },
    operation: { ...operation, id: 'failover-2' },
    abandoned: operation.id,
  });
  const done = await world.clock.until(running);
  expect(done.ok || done.error.code).toBe('StaleEpoch');
  expect(world.clock.nowMs()).toBeLessThan(7000);
});

// ---- sleeping

/** The plan from the fence on, as Step Functions would run it. */
function fenced(world: Awaited<ReturnType<typeof claimed>>) {
  const stepRunner: typeof runStep = (ports, call) =>
    ['fence', 'ask-operator', 'page'].includes(call.step)
      ? runStep(ports, call)
      : Promise.resolve(
          ok(call.state as Awaited<ReturnType<typeof world.fence>> extends { value: infer S } ? S : never),
        );
  const options = { stepRunner, sleep: world.tasks, from: 'fence' };
  world.executions.began(operation.id);
  return interpret(world.ports, plans.failover, input, operation.id, options);
}

test('T54: where only a person can tell, nobody is looked for in vain: told what to do at once, asleep, woken by the word', async () => {
  const world = await claimed({ fence: ['operator'] });
  const plan = fenced(world);
  await world.clock.advance(1000);
  expect(world.events.published).toMatchObject([
    {
      type: 'Attention Needed',
      detail: {
        node: 'db1',
        because: 'db1 could not be proven stopped; nobody is main until it is',
        next: expect.stringContaining('mainstay confirm-fenced alpha --node db1'),
        section: 'unproven-fence',
      },
    },
  ]);
  await world.clock.advance(3_600_000);
  await world.vouch();
  expect(value(await wake(world.ports, { cluster: 'alpha', operation: operation.id, epoch: 8 }))).toBe('woken');
  const outcome = await world.clock.until(plan);
  expect(outcome.trace.slice(0, 3)).toEqual([
    'Fence the old main until proven',
    'Wait for a person: is the old main stopped?',
    'Fence the old main until proven',
  ]);
  expect([outcome.end, outcome.state.proof?.how, outcome.state.problem]).toEqual(['done', 'operator', undefined]);
  expect(value(await wake(world.ports, { cluster: 'alpha', operation: operation.id, epoch: 8 }))).toBe('gone');
});

test('T6, T11: before it sleeps, the host is asked to stop its engine, which proves nothing: it sleeps all the same', async () => {
  const world = await claimed({ fence: ['operator'] });
  void fenced(world);
  await world.clock.advance(5000);
  const told = value(await world.ports.journal.list('alpha')).map(({ because }) => because);
  expect(told.join('\n')).toContain('asked the host of db1 to stop its engine: its host says stopped');
  expect(await world.lease()).toMatchObject({ phase: 'claimed', fence: null });
});

test('a word that came between the last look and the sleep wakes it at once', async () => {
  const world = await claimed({ fence: ['operator'] });
  const { add } = world.ports.waits;
  world.ports.waits = { ...world.ports.waits, add: (waiting) => world.vouch().then(() => add(waiting)) };
  const outcome = await world.clock.until(fenced(world));
  expect([outcome.end, outcome.state.proof?.how]).toEqual(['done', 'operator']);
  expect(world.clock.nowMs()).toBeLessThan(10_000);
});

test('T48: a late invocation that adds its dead token does not hide the one that wakes', async () => {
  const world = await claimed({ fence: ['operator'] });
  const plan = fenced(world);
  await world.clock.advance(1000);
  const late = { step: 'ask-operator', state: input, operation: operation.id, deadlineMs: 20_000, token: 'dead' };
  expect((await world.clock.until(runStep(world.ports, late))).ok).toBe(true);
  expect(value(await world.ports.waits.read('alpha'))?.tokens).toEqual(['token-1', 'dead']);
  await world.vouch();
  expect(value(await wakeForNode(world.ports, 'alpha', 'db1'))).toBe('woken');
  expect((await world.clock.until(plan)).state.proof?.how).toBe('operator');
});

test('T52: nobody answers for a day: the plan pages, and the operation leaves the lease', async () => {
  const world = await claimed({ fence: ['operator'] });
  const outcome = await world.clock.until(fenced(world), 90_000_000);
  expect([outcome.end, outcome.problem?.code]).toEqual(['paged', 'Unproven']);
  expect((await world.lease()).operation).toBeNull();
  expect(world.events.published).toHaveLength(2);
});

test('T54: who is woken by mistake looks again, proves nothing, and goes back to sleep under a new token', async () => {
  const world = await claimed({ fence: ['operator'] });
  const plan = fenced(world);
  await world.clock.advance(1000);
  expect(value(await wakeForNode(world.ports, 'alpha', 'db2'))).toBe('nobody');
  const first = value(await world.ports.waits.read('alpha'))?.tokens;
  expect(value(await wakeForNode(world.ports, 'alpha', 'db1'))).toBe('woken');
  await world.clock.advance(1000);
  expect(value(await world.ports.waits.read('alpha'))?.tokens).toEqual([...(first ?? []), expect.any(String)]);
  await world.vouch();
  value(await wakeForNode(world.ports, 'alpha', 'db1'));
  expect((await world.clock.until(plan)).state.proof?.how).toBe('operator');
});

test('T54: a lease that another has taken while it slept: who wakes touches nothing more', async () => {
  const world = await claimed({ fence: ['operator'] });
  const plan = fenced(world);
  await world.clock.advance(1000);
  const taken = await world.write('claim', {
    watched: { epoch: 8, renewals: 0 },
    operation: { ...operation, id: 'failover-2' },
    abandoned: operation.id,
  });
  expect(value(await wakeForNode(world.ports, 'alpha', 'db1'))).toBe('nobody');
  value(await wake(world.ports, { cluster: 'alpha', operation: operation.id, epoch: 8 }));
  const outcome = await world.clock.until(plan);
  expect([outcome.end, outcome.problem?.code]).toEqual(['paged', 'StaleEpoch']);
  expect((await world.lease()).version).toBe(taken.version);
});

test('T50, T67: the sweep wakes a sleeper whose event was lost, and leaves one alone for whom there is no news', async () => {
  const world = await claimed({ fence: ['power-off', 'operator'], stopMs: 1e9 });
  const plan = fenced(world);
  await world.clock.advance(700_000);
  const swept = () => sweep(world.ports, async () => ok(undefined));
  expect(await swept()).toEqual({ started: [], problems: [] });
  await world.clock.advance(60_000);
  expect((await world.lease()).fence).toBeNull();
  world.instances.set('i-db1', 'stopped');
  expect(await swept()).toEqual({ started: [], problems: [] });
  expect((await world.clock.until(plan)).state.proof?.how).toBe('power-off');
});
