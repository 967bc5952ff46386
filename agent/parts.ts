// What an agent is put together from: one node's part of the world, wired in main.ts, faked in tests.

import type { Gate } from '../core/gate';
import type { ClusterConfig, Lease, NodeConfig } from '../core/model';
import type { Clock, Deadman, EngineDriver, Events, Ids, Journal, LeaseStore, Reports, Witnesses } from '../core/ports';

export interface AgentParts {
  config: ClusterConfig;
  me: NodeConfig;
  store: LeaseStore;
  reports: Reports;
  events: Events;
  journal: Journal;
  driver: EngineDriver;
  deadman: Deadman;
  gate: Gate;
  witnesses: Witnesses;
  clock: Clock;
  ids: Ids;
  version: string;
  /** Told of the lease after every round that read one. */
  remember?: (lease: Lease) => void;
  /** Told at the end of every round. */
  turned?: () => void;
  log: (message: string, details?: Record<string, unknown>) => void;
}
