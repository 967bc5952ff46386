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

export type ClockName = 'sweep' | 'heartbeats' | 'rounds';

export interface Counted {
  watchedS: number;
  /** Per minute and node. */
  rest: { main: Requests; backup: Requests };
  /** What the clock starts: minutes between two starts, and one run over one cluster. */
  clocks: Record<ClockName, Requests & { everyMinutes: number; ms: number }>;
  /** Functions that are kept warm, as often as the rounds are made; each reads one item. */
  woken: number;
  switchover: MoveCount;
  failover: MoveCount;
  alarms: { fixed: number; perCluster: number };
  dashboards: { fixed: number; perCluster: number };
}
