// Moving the role back to the preferred node (seed 002): whether that may be done now, by itself or by a person. Pure. A
// failback is a switchover whose role is reserved: from its beginning to its end nobody else may be given it (T61).

import { evaluate } from './candidates';
import type { ClusterConfig, Lease, NodeName, Report } from './model';

export const failbackModes = ['never', 'manual', 'automatic'] as const;
export type FailbackMode = (typeof failbackModes)[number];

export interface FailbackConfig {
  /** Where the role belongs when all is well. */
  prefer: NodeName;
  /** never: refused. manual: a person asks. automatic: also by itself, when the preferred node is in sync and nothing is held. */
  mode: FailbackMode;
  /** Times of day, `HH:MM` in UTC, between which it is not done by itself; over midnight when `from` is later than `to`. */
  quietHours: { from: string; to: string } | null;
}

export const isQuiet = (quiet: FailbackConfig['quietHours'], now: string): boolean => {
  if (quiet === null) return false;
  const at = now.slice(11, 16);
  const { from, to } = quiet;
  return from <= to ? from <= at && at < to : from <= at || at < to;
};

export interface FailbackQuestion {
  config: ClusterConfig;
  lease: Lease;
  reports: readonly Report[];
  automatic: boolean;
  /** Wall clock, ISO: for quiet hours only. */
  now: string;
}

export interface FailbackRefusal {
  code: 'NotAllowed' | 'AlreadyMain' | 'NotServing' | 'Held' | 'NotEligible';
  message: string;
  next: string;
}

const refusal = (code: FailbackRefusal['code'], message: string, next: string): FailbackRefusal => ({
  code,
  message,
  next,
});

/** Why the role may not go back now, or null. */
export function judgeFailback({ config, lease, reports, automatic, now }: FailbackQuestion): FailbackRefusal | null {
  const { failback, name } = config;
  if (!failback)
    return refusal('NotAllowed', `${name} has no preferred node`, 'name one: failback.prefer in its configuration');
  const { prefer, mode, quietHours } = failback;
  if (mode === 'never' || (automatic && mode !== 'automatic'))
    return refusal(
      'NotAllowed',
      `failback of ${name} is set to '${mode}'`,
      `to move the role all the same: mainstay switch ${name} --to ${prefer}`,
    );
  if (lease.holder === prefer) return refusal('AlreadyMain', `${prefer} is the main already`, 'nothing to do');
  if (lease.phase !== 'held') return refusal('NotServing', `the lease is ${lease.phase}`, `mainstay status ${name}`);
  if (lease.hold !== null)
    return refusal(
      'Held',
      `there is a hold: ${lease.hold.reason}`,
      `mainstay hold ls ${name}; then mainstay recover ${name} NODE, or mainstay hold clear ${name}`,
    );
  if (automatic && isQuiet(quietHours, now))
    return refusal('NotAllowed', `quiet hours, ${quietHours?.from} to ${quietHours?.to} UTC`, 'it is done after them');
  const verdict = evaluate({ config, lease, reports, freshSince: null, mustStream: true }).find(
    ({ node }) => node === prefer,
  );
  if (verdict?.eligible) return null;
  return refusal(
    'NotEligible',
    `${prefer} cannot become main: ${verdict?.because ?? 'there is no such node'}`,
    `mend it: mainstay status ${name}`,
  );
}
