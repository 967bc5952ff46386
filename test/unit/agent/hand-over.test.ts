// An agent goes and another one comes, on an engine and a kernel that live on: what the next one may let clients see, and which of two
// orders to leave wins. Real agents over memory adapters and virtual time.

import { unreachable } from '../../../adapters/problems';
import type { Agent } from '../../../agent/agent';
import type { Follower } from '../../../core/replication';
import { type AgentWorld, createAgentWorld, type PlainEngine } from '../../support/agent-world';
import type { MemoryKernel } from '../../support/memory-gate';

const lost = { ok: false as const, error: unreachable('the store does not answer', 'wait') };
const follower: Follower = { node: 'db2', streaming: true, flushedBytes: Number.MAX_SAFE_INTEGER };

let world: AgentWorld;
const main = (): { agent: Agent; engine: PlainEngine; kernel: MemoryKernel } => {
  const { agents, engines, kernels } = world;
  const { db1: agent } = agents;
  const { db1: engine } = engines;
  const { db1: kernel } = kernels;
  if (!agent || !engine || !kernel) throw new Error('db1 is not there');
  return { agent, engine, kernel };
};

/** Whether clients are let in at each of so many moments, 20 ms apart. */
async function letIn(ms: number): Promise<Set<boolean>> {
  const seen = new Set<boolean>();
  for (let sinceMs = 0; sinceMs < ms; sinceMs += 20) {
    await world.clock.advance(20);
    seen.add(main().kernel.passes());
  }
  return seen;
}

const watched = (done: Promise<unknown>): { over: boolean } => {
  const state = { over: false };
  void done.then(() => {
    state.over = true;
  });
  return state;
};

describe('strict, with one backup that is recorded', () => {
  beforeEach(async () => {
    world = await createAgentWorld(
      { replication: { mode: 'strict', backups: 1 } },
      { gated: true, lease: { synced: ['db2'] } },
    );
  });

  test('T31: a main that is hidden is not handed over before its backups have what it has', async () => {
    expect(await letIn(2000)).toEqual(new Set([false]));
    const gone = watched(main().agent.handOver());
    await world.clock.advance(6000);
    expect(gone.over).toBe(false);
    main().engine.followers = [follower];
    await world.clock.advance(3000);
    expect(gone.over).toBe(true);
  });

  test('T31: the next agent hides what the last one had to leave hidden, until the backups have it', async () => {
    const gone = watched(main().agent.handOver());
    await world.clock.advance(21_000);
    expect(gone.over).toBe(true);
    world.startAgent('db1');
    expect(await letIn(5000)).toEqual(new Set([false]));
    expect(await world.lease()).toMatchObject({ holder: 'db1', phase: 'held', epoch: 7 });
    main().engine.followers = [follower];
    await world.clock.advance(2000);
    expect(await letIn(3000)).toEqual(new Set([true]));
  });

  test('T65: the next agent of a main that was let be seen shuts nobody out, though a backup is away just then', async () => {
    main().engine.followers = [follower];
    await world.clock.advance(2000);
    const gone = watched(main().agent.handOver());
    expect(await letIn(2000)).toEqual(new Set([true]));
    expect(gone.over).toBe(true);
    main().engine.followers = [];
    world.startAgent('db1');
    expect(await letIn(5000)).toEqual(new Set([true]));
  });

  test('T31: a crashed main is started behind a shut gate, though the promise from before would let clients in', async () => {
    main().engine.followers = [follower];
    await world.clock.advance(2000);
    expect(main().kernel.passes()).toBe(true);
    main().engine.followers = [];
    main().engine.status = { ...main().engine.status, running: false, writable: false };
    const opened: boolean[] = [];
    for (let turn = 0; turn < 250; turn += 1) {
      await world.clock.advance(20);
      if (main().engine.status.writable) opened.push(main().kernel.passes());
    }
    expect(new Set(opened)).toEqual(new Set([false]));
    main().engine.followers = [follower];
    await world.clock.advance(2000);
    expect(await letIn(1000)).toEqual(new Set([true]));
  });
});

/** A round that has just renewed the lease has ended. */
async function justRenewed(): Promise<void> {
  const { renewals } = await world.lease();
  while ((await world.lease()).renewals === renewals) await world.clock.advance(10);
}

describe('orders to leave', () => {
  beforeEach(async () => {
    world = await createAgentWorld({}, { gated: true });
  });

  test('T65: a main whose store is away is not handed over: the next agent could not read the lease', async () => {
    await justRenewed();
    const away = ['read' as const, 'swap' as const].map((name) =>
      jest.spyOn(world.store.leases, name).mockResolvedValue(lost),
    );
    const gone = watched(main().agent.handOver());
    await world.clock.advance(1000);
    expect(gone.over).toBe(false);
    for (const spy of away) spy.mockRestore();
    await world.clock.advance(3000);
    expect(gone.over).toBe(true);
  });

  test('T60: a stop that is asked for while a hand-over waits wins, and is a clean one, at whatever moment it comes', async () => {
    let met = 0;
    for (let waitMs = 0; waitMs < 1100; waitMs += 3) {
      world = await createAgentWorld({}, { gated: true });
      const { agent } = main();
      await world.clock.advance(500);
      const went = watched(agent.handOver());
      // Its rounds do not fall together with its looks at them.
      await world.clock.advance(7);
      agent.poke();
      await world.clock.advance(waitMs);
      if (went.over) break;
      met += 1;
      const stopped = watched(agent.stop());
      await world.clock.advance(3000);
      const { phase, pausedBy } = await world.lease();
      expect({ waitMs, stopped: stopped.over, phase, pausedBy }).toEqual({
        ...{ waitMs, stopped: true, phase: 'paused', pausedBy: 'stop' },
      });
    }
    expect(met).toBeGreaterThan(5);
  });

  test('a hand-over that is asked for while a stop is under way, or a second time, does nothing', async () => {
    const { agent } = main();
    const stopped = watched(agent.stop());
    expect(await agent.handOver()).toBe(false);
    await world.clock.advance(3000);
    expect(stopped.over).toBe(true);
    expect((await world.lease()).phase).toBe('paused');
  });
});
