// Where the nodes of a local stack live, and how their addresses behave. Two of them: plain processes on loopback (no root; the
// demo) and network namespaces (root; everything that can happen to a network or to a whole machine).

import type { Node } from './nodes';

/** An order that no AWS API has, from a test: what to do with one node or with the network. */
export interface Order {
  name: string;
  node: Node | undefined;
  parameters: URLSearchParams;
}

export interface Backend {
  readonly kind: 'process' | 'netns';
  readonly nodes: { host: string; port: number; agentPort: number; restPort: number }[];
  readonly vip: { host: string; port: number };
  /** In the settings of each agent. */
  readonly agentSettings: { gate: 'off' | { loopback: 'gated' }; listen?: string };
  /** Who may connect to the engines, as lines of pg_hba.conf. */
  readonly hostRules: readonly string[];
  /** What stands before a command that is to run on this node. */
  at(node: string): string[];
  /** Places for clients, each with what stands before a command that is to run there. */
  readonly places: Record<string, string[]>;
  /** Endpoint at which nodes reach the emulated account's own. */
  endpointFor(emulator: URL): Promise<string>;
  /** Gives a node what it needs before anything runs on it. */
  prepare(node: string, dir: string): Promise<void>;
  /** Where a client of this machine finds the VIP; a folder stands for a Unix socket in it. `dir`: of the stack. */
  doorToVip(dir: string): Promise<string>;
  /** The VIP leads to this node from now on, or to none; a moved address cuts the sessions through it, a moved record does not. */
  leadVip(node: string | null, sessions: 'cut' | 'kept'): void;
  /** Orders of this backend beside the common ones. */
  readonly orders: Record<string, (order: Order) => Promise<void>>;
  /** Undoes every fault that would keep something from ending. */
  heal(): Promise<void>;
  close(): Promise<void>;
}
