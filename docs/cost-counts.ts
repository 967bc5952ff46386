// What `npm run cost` has counted, as it is kept in docs/cost-counted.json. Counts of requests and units, never money.

export interface Requests {
  /** `service Action [kind of item]` to how many. */
  calls: Record<string, number>;
  readUnits: number;
  writeUnits: number;
}

export interface MoveCount {
  transitions: number;
  invocations: number;
  /** Of all functions together, as measured on the emulated account. */
  lambdaMs: number;
  controlPlane: Requests;
  agents: Requests;
}

export interface Counted {
  watchedS: number;
  /** Per minute and node. */
  rest: { main: Requests; backup: Requests };
  /** One run over one cluster. */
  sweep: Requests & { ms: number };
  /** Function to the minutes between two starts by a schedule. */
  clocks: Record<string, number>;
  switchover: MoveCount;
  failover: MoveCount;
  alarms: { fixed: number; perCluster: number };
  dashboards: { fixed: number; perCluster: number };
}
