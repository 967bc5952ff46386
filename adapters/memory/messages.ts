// Pokes, redirects and events in memory. Ports: Poker, Events. Whoever builds them says what a message does, so a
// simulation may deliver it late, twice or never. Must never wait for what a poke sets off.

import type { ConsumerConfig, NodeConfig } from '../../core/model';
import type { Events, MainstayEvent, Outside, Poker } from '../../core/ports';
import { ok } from '../../core/result';
import { type Faults, withFaults } from './faults';

export interface MemoryPokerOptions {
  faults?: Faults;
  onPoke?: (node: NodeConfig, cluster: string, epoch: number) => void;
  onRedirect?: (consumer: ConsumerConfig, cluster: string, main: NodeConfig, epoch: number) => Outside<void>;
  onStopEngine?: (node: NodeConfig, cluster: string, epoch: number) => Outside<void>;
}

export const createMemoryPoker = ({ faults, onPoke, onRedirect, onStopEngine }: MemoryPokerOptions = {}): Poker =>
  withFaults<Poker>(
    'Poker',
    {
      poke: async (nodes, cluster, epoch) => {
        for (const node of nodes) onPoke?.(node, cluster, epoch);
        return ok(undefined);
      },
      redirect: async (consumer, cluster, main, epoch) =>
        (await onRedirect?.(consumer, cluster, main, epoch)) ?? ok(undefined),
      stopEngine: async (node, cluster, epoch) => (await onStopEngine?.(node, cluster, epoch)) ?? ok(undefined),
    },
    faults,
  );

export interface MemoryEventsOptions {
  faults?: Faults;
  onEvent?: (event: MainstayEvent) => void;
}

export interface MemoryEvents extends Events {
  published: MainstayEvent[];
}

export function createMemoryEvents({ faults, onEvent }: MemoryEventsOptions = {}): MemoryEvents {
  const published: MainstayEvent[] = [];
  const events: Events = {
    publish: async (event) => {
      published.push(structuredClone(event));
      onEvent?.(event);
      return ok(undefined);
    },
  };
  return { ...withFaults('Events', events, faults), published };
}
