// Going on without the store (T20, T25, T26): a main whose promise runs out because nobody reaches the store may go on for another
// one if every other node gives its word, at this epoch, that it has lost the store too and takes no part in a promotion for as long
// as the word lasts. Whoever could be promoted next is one of those who gave it. Pure.
//
//   main:   |-- question sent ------------- ttl - margin: promise over --|
//   other:       |-- word given ---------------------------- ttl x (1 + clock error) --| may be promoted
//
// Unanimous, because one node that reads the store could be granted the lease by a workflow that reads it too.

import type { Lease, NodeName } from './model';

export const storeLossModes = ['strict', 'failsafe'] as const;
/** strict: a main that cannot renew stops. failsafe: it goes on while every other node gives its word. */
export type StoreLossMode = (typeof storeLossModes)[number];

export interface Question {
  cluster: string;
  epoch: number;
  holder: NodeName;
}

export interface Word {
  given: boolean;
  /** The epoch that this node knows of; 0 when it has never read the lease. */
  epoch: number;
  because: string;
}

export interface Standing {
  cluster: string;
  mode: StoreLossMode;
  lease: Lease | null;
  /** The last request to the store failed, and none has succeeded since. */
  storeLost: boolean;
}

/** What is written when it happens. */
export const failsafeRules = [
  { id: 'F10', because: 'nobody reaches the store, and every other node gives its word: the main goes on' },
  { id: 'F20', because: 'the main cannot go on without the store any more' },
] as const;

/** Whether a node may give its word: all that it knows must be what the main knows. */
export function judgeQuestion({ cluster, epoch, holder }: Question, standing: Standing): Word {
  const { lease } = standing;
  const refused = (because: string): Word => ({ given: false, epoch: lease?.epoch ?? 0, because });
  if (standing.cluster !== cluster) return refused(`this node belongs to ${standing.cluster}`);
  if (standing.mode !== 'failsafe') return refused('onStoreLoss is strict here');
  if (lease === null) return refused('this node has not read the lease since it was started');
  if (lease.epoch !== epoch) return refused(`the epoch is ${lease.epoch} here`);
  if (lease.holder !== holder || lease.phase !== 'held' || lease.drain !== null)
    return refused(`the lease is ${lease.phase} by ${lease.holder ?? 'nobody'} here`);
  if (!standing.storeLost) return refused('this node reaches the store');
  return { given: true, epoch, because: 'this node has lost the store too, and takes no part in a promotion' };
}
