// The timing inequality (L2, L3, L6), written once, with its arithmetic. Synth and the agent refuse a config that breaks it.
//
//   holder:     |-- renewal sent --------- ttl - margin: self-fence --- engine stopped ---|  ttl
//   contender:       |-- first read that shows this renewal ------------------- ttl x (1 + clock error) --| may claim
//
// The holder counts from before it sent, the contender from after its read returned, so the contender's
// ttl always ends after the holder's, whatever the network did between (T1, T2, T8).

export interface Timings {
  /** The holder's promise in ms: silent this long on its own clock, it has stopped itself. */
  ttlMs: number;
  /** Kept back from the ttl for stopping the engine and for the holder's clock-rate error, in ms. */
  marginMs: number;
  /** Between two renewals of the main, and between two reads of a backup, in ms. */
  heartbeatMs: number;
  /** The same while an operation is on the lease or the main is overdue, in ms. */
  alertMs: number;
  /** A full report at least this often, in ms; at once when something changed. */
  reportMs: number;
  /** Bound of one request to the store, in ms. */
  storeTimeoutMs: number;
  /** Bound for stopping the engine by force and seeing it stopped, in ms. */
  engineStopMs: number;
  /** Bound of a clock's rate error, in parts per million. */
  clockErrorPpm: number;
}

/** Defaults: 3 x 1000 <= 4000 - 1000, and 1000 >= 800 + 40. */
export const defaultTimings: Timings = {
  ttlMs: 4000,
  marginMs: 1000,
  heartbeatMs: 1000,
  alertMs: 100,
  reportMs: 5000,
  storeTimeoutMs: 800,
  engineStopMs: 800,
  clockErrorPpm: 10_000,
};

/**
 * For a failover within 3 s: 3 x 270 <= 1200 - 380, and 380 >= 340 + 12. Two requests in a row may fail, each within 260 ms; a
 * node that is starved for more than 0.8 s loses its role.
 */
export const tightTimings: Timings = {
  ttlMs: 1200,
  marginMs: 380,
  heartbeatMs: 270,
  alertMs: 50,
  reportMs: 2000,
  storeTimeoutMs: 260,
  engineStopMs: 340,
  clockErrorPpm: 10_000,
};

/** What a configuration names instead of eight numbers. */
export const timingPresets = { default: defaultTimings, tight: tightTimings } as const;

/** Clock-rate error over one ttl, rounded up, in ms. */
export const clockErrorMs = (timings: Timings): number =>
  Math.ceil((timings.ttlMs * timings.clockErrorPpm) / 1_000_000);

/** How long after it was sent a renewal protects the holder, in ms (L2). */
export const promiseMs = (timings: Timings): number => timings.ttlMs - timings.marginMs;

/** How long a contender must have watched an unchanged lease, in ms (L3). */
export const contenderWaitMs = (timings: Timings): number => timings.ttlMs + clockErrorMs(timings);

/** Every clause of L6 that these timings break, each with its arithmetic; empty when they are sound. */
export function judgeTimings(timings: Timings): string[] {
  const { ttlMs, marginMs, heartbeatMs, alertMs, reportMs, storeTimeoutMs, engineStopMs, clockErrorPpm } = timings;
  const error = clockErrorMs(timings);
  const clauses: [boolean, string][] = [
    [
      Object.values(timings).every((value) => Number.isFinite(value) && value > 0),
      'every timing must be a positive number',
    ],
    [
      3 * heartbeatMs <= ttlMs - marginMs,
      `three renewals must fit into ttl - margin: 3 x ${heartbeatMs} <= ${ttlMs} - ${marginMs}`,
    ],
    [
      marginMs >= engineStopMs + error,
      `margin must cover the engine's stop and the clock error: ${marginMs} >= ${engineStopMs} + ${error}`,
    ],
    [storeTimeoutMs <= heartbeatMs, `a request must end before the next is due: ${storeTimeoutMs} <= ${heartbeatMs}`],
    [alertMs <= heartbeatMs, `alert must not be slower than the heartbeat: ${alertMs} <= ${heartbeatMs}`],
    [heartbeatMs <= reportMs, `a report must not be more frequent than the heartbeat: ${heartbeatMs} <= ${reportMs}`],
    [clockErrorPpm >= 200, `clockErrorPpm below 200 is better than a common quartz clock: ${clockErrorPpm} >= 200`],
  ];
  return clauses.filter(([holds]) => !holds).map(([, text]) => `L6: ${text}`);
}
