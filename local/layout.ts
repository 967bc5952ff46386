// The folders and ports of one local stack: all below one temporary folder, so that removing it removes everything.

import { join } from 'node:path';

export interface LocalNode {
  name: string;
  dir: string;
  instanceId: string;
  host: string;
  port: number;
  agentPort: number;
  /** Where its REST API listens, with the token of nodeFiles().secret. */
  restPort: number;
  /** What stands before a command that is to run where this node runs. */
  at: string[];
}

/** What a running local stack tells the world (stack.json). */
export interface StackFacts {
  dir: string;
  hypervisorPid: number;
  cluster: string;
  stackName: string;
  /** Environment with which the CLI and any SDK reach the emulated account. */
  environment: Record<string, string>;
  backend: 'process' | 'netns';
  controlPort: number;
  vip: { host: string; port: number };
  /** Where a client of this machine finds the VIP: a host, or a folder with a Unix socket. */
  door: string;
  nodes: LocalNode[];
  /** Places for clients (netns only), each with what stands before a command that is to run there. */
  places: Record<string, string[]>;
  cli: string;
  postgresVersion: string;
}

export const files = {
  facts: (dir: string) => join(dir, 'stack.json'),
  emulator: (dir: string) => join(dir, 'emulator'),
  node: (dir: string, name: string) => join(dir, name),
};

export const nodeFiles = (dir: string) => ({
  /** A file system of its own where disks fail; the data lie in a folder of it, which a reseed can rename. */
  volume: join(dir, 'volume'),
  data: join(dir, 'volume', 'data'),
  socket: join(dir, 'run'),
  state: join(dir, 'state'),
  logs: join(dir, 'log'),
  evidence: join(dir, 'evidence'),
  settings: join(dir, 'agent.json'),
  secret: join(dir, 'secret'),
  agentLog: join(dir, 'log', 'agent.log'),
});
