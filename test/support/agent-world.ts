// Real agents of one cluster over memory adapters and virtual time, each with an engine that does what it is told at once. For tests
// of what an agent says of itself; what can go wrong with engines and networks is the simulation's (test/sim).

import { createSequentialIds, createVirtualClock, type VirtualClock } from '../../adapters/memory/clock';
import { createMemoryEvents, type MemoryEvents } from '../../adapters/memory/messages';
import { createMemoryStore, type MemoryStore } from '../../adapters/memory/store';
import { noWitnesses } from '../../adapters/witnesses';
import { Agent } from '../../agent/agent';
import { createAbsentGate } from '../../agent/gate/absent';
import { type ClusterConfig, type EngineStatus, type Lease, unknownEngine } from '../../core/model';
import type { EngineDriver } from '../../core/ports';
import type { Follower } from '../../core/replication';
import { ok } from '../../core/result';
import { createMemoryGate, MemoryKernel } from './memory-gate';
import { aConfig, aLease, value } from './samples';

const startBytes = 50_331_648;

/** An engine as plain as can be; `hang` makes every look at it wait for ever. */
export class PlainEngine {
  status: EngineStatus = { ...unknownEngine };
  hang = false;
  followers: Follower[] = [];

  private is(change: Partial<EngineStatus>): void {
    this.status = { ...this.status, ...change };
  }

  driver(): EngineDriver {
    const at = { timeline: 1, bytes: startBytes };
    const up = { running: true, received: at, applied: at, dataId: '7310000000000000001', problem: null };
    const standBy = async () => ok(this.is({ ...up, writable: false }));
    const writable = { ...up, writable: true, following: null, streaming: false };
    return {
      status: () => (this.hang ? new Promise(() => undefined) : Promise.resolve(this.status)),
      standBy,
      follow: async ({ name }) => ok(this.is({ ...up, writable: false, following: name, streaming: true })),
      promote: async () => ok(this.is(writable)),
      startAsMain: async (spawned) => ok(spawned(1) ? this.is(writable) : undefined),
      waitFor: async () => ok(undefined),
      followers: async () => this.followers,
      checkpoint: async () => undefined,
      drain: async () => {
        this.is({ running: false, writable: false });
        return ok(at);
      },
      fence: async () => ok(this.is({ running: false, writable: false, streaming: false })),
      rejoin: async ({ name }) => {
        this.is({ ...up, writable: false, following: name, streaming: true });
        return ok({ method: 'follow' as const, evidence: null });
      },
      keepSlots: async () => undefined,
      probe: async (_host, _port, epoch) => ({ epoch, accepted: true, ms: 1, message: 'written' }),
      pid: async () => (this.status.running ? 1 : null),
    };
  }
}

export interface AgentWorld {
  clock: VirtualClock;
  store: MemoryStore;
  events: MemoryEvents;
  config: ClusterConfig;
  agents: Record<string, Agent>;
  engines: Record<string, PlainEngine>;
  kernels: Record<string, MemoryKernel>;
  /** The next agent of this node, on the engine and the kernel as they are. */
  startAgent(name: string): Agent;
  lease(): Promise<Lease>;
  /** Writes the lease as somebody else would. */
  setLease(change: Partial<Lease>): Promise<void>;
}

/** db1 holds the lease and serves; db2 and db3 follow it. */
export async function createAgentWorld(
  change: Partial<ClusterConfig> = {},
  { lease = {}, gated = false }: { lease?: Partial<Lease>; gated?: boolean } = {},
): Promise<AgentWorld> {
  const clock = createVirtualClock();
  const store = createMemoryStore();
  const events = createMemoryEvents();
  const ids = createSequentialIds();
  const config = aConfig('alpha', { consumers: [], ...change });
  value(await store.leases.swap(null, aLease('alpha', { phase: 'granted', epoch: 7, ...lease })));
  const world: AgentWorld = {
    ...{ clock, store, events, config, agents: {}, engines: {}, kernels: {} },
    lease: async () => value(await store.leases.read('alpha')) as Lease,
    setLease: async (next) => {
      const was = value(await store.leases.read('alpha')) as Lease;
      value(await store.leases.swap(was, { ...was, ...next, version: was.version + 1, nonce: `test-${was.version}` }));
    },
    startAgent: (name) => {
      const me = config.nodes.find((node) => node.name === name);
      const engine = world.engines[name];
      const kernel = world.kernels[name];
      if (!me || !engine || !kernel) throw new Error(name);
      const { leases, reports, journal } = store;
      const agent = new Agent({
        ...{ config, me, store: leases, reports, journal, events, clock, ids, witnesses: noWitnesses },
        driver: engine.driver(),
        deadman: {
          ...{ arm: () => undefined, disarm: () => undefined },
          ...{ status: () => 'disarmed', stop: async () => undefined },
        },
        gate: gated ? createMemoryGate(kernel) : createAbsentGate('a test needs none'),
        version: '0.1.0',
        log: () => undefined,
      });
      world.agents[name] = agent;
      void agent.run();
      return agent;
    },
  };
  for (const { name } of config.nodes) {
    world.engines[name] = new PlainEngine();
    world.kernels[name] = new MemoryKernel(clock);
  }
  for (const { name } of config.nodes) world.startAgent(name);
  await clock.advance(5000);
  return world;
}
