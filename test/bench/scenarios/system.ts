// What the scenario bench asks of a system under test, whoever made it: three data nodes with PostgreSQL on one network, a way
// to see who is main, and a way to ask for a switchover. A system must never learn from here that it is being measured.

import { setTimeout as delay } from 'node:timers/promises';
import type { Cut } from '../../../local/network';
import { machineMs } from '../../../local/writer';

export const presets = ['default', 'tight'] as const;
/** `default`: as installed. `tight`: the shortest times that its documentation allows. */
export type Preset = (typeof presets)[number];

export const nodeNames = ['db1', 'db2', 'db3'] as const;
export type NodeName = (typeof nodeNames)[number];

/** Last parts of the addresses. `store` has what is not a data node (etcd, a monitor); `beside` is cut off together with the main. */
export const places = { store: 1, db1: 11, db2: 12, db3: 13, beside: 21, clients: 100 } as const;
/** For systems with an address that moves. */
export const vipNumber = 200;

export const databasePort = 5432;

export interface SystemUnderTest {
  readonly name: string;
  readonly preset: Preset;
  /** Timings and replication, as a reader of the table has to know them. */
  readonly timings: string;
  readonly replication: string;
  /** Three data nodes, one of them main and the others streaming from it; everything of it answers. */
  up(): Promise<void>;
  /** The node that takes writes, null when there is not exactly one. */
  main(): Promise<NodeName | null>;
  /** Where a client looks for the main, one after the other. */
  hosts(): { host: string; port: number }[];
  /** Returns when the system has taken the order; the clients see what comes of it. */
  switchover(to: NodeName): Promise<void>;
  /** What stands before a command that is to run in a place of its network (`places`). */
  at(place: string): string[];
  /** Nothing passes from the first place to the second of each pair; replaces the earlier cuts. */
  cut(cuts: readonly Cut[]): Promise<void> | void;
  /** kill -9 of everything on the node at once, and nobody starts anything there again. */
  powerOff(node: NodeName): Promise<void> | void;
  dataDirOf(node: NodeName): string;
  /** The postmaster. */
  enginePid(node: NodeName): number;
  /** Everything that runs on the node: the engine and whatever looks after it. */
  pids(node: NodeName): number[];
  /** SQL on one node, past the network; rejects when it does not answer in a second. */
  query<Row extends object>(node: NodeName, sql: string): Promise<Row[]>;
  /** Leaves nothing: no process, no namespace, no folder. May come at any time, also during `up`. */
  down(): Promise<void>;
}

/** Waits for a condition; one that throws does not hold yet. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  deadlineMs = 120_000,
): Promise<void> {
  const startedAtMs = machineMs();
  for (let last = ''; ; ) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error instanceof Error ? `: ${error.message}` : '';
    }
    if (machineMs() - startedAtMs > deadlineMs) throw new Error(`not within ${deadlineMs / 1000} s: ${what}${last}`);
    await delay(100);
  }
}
