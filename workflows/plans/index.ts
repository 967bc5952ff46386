// Every plan by its kind.

import type { OperationKind } from '../../core/model';
import { type Plan, stepNames } from '../../core/plan';
import { failback } from './failback';
import { failover } from './failover';
import { recover } from './recover';
import { settle } from './settle';
import { switchover } from './switchover';

export const plans: Record<OperationKind, Plan> = { failback, switchover, failover, recover, settle };

/** Functions whose cold starts would add up in a failover or a switchover. */
export const neededInAMoment: readonly string[] = [
  ...new Set(['dispatch', ...stepNames(failover), ...stepNames(switchover)]),
];
