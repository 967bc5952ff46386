// What every lease store does around its conditional write: before it, the write must be one that the protocol allows;
// after a failed condition, was it our own, and if not, what is the loser told (L4, T3)?
// Shared by the AWS and the memory store. Must never take an empty nonce for an identity.

import { assert } from '../core/assert';
import type { Lease } from '../core/model';
import type { LeaseLost } from '../core/ports';

/** A write that breaks this is a bug of the caller: the compare-and-swap and the fencing token rest on it. */
export function assertNext(was: Lease | null, next: Lease): void {
  if (was === null) return;
  assert(next.cluster === was.cluster, 'a lease stays with its cluster');
  assert(next.version > was.version, 'L1: the version grows at every write');
  assert(next.epoch >= was.epoch, 'L1: the epoch never falls');
}

/** Same nonce and version as we sent: the item is our own. An empty nonce tells nobody's writes apart. */
export const isOwnWrite = (stored: Lease, sent: Lease): boolean =>
  sent.nonce !== '' && stored.nonce === sent.nonce && stored.version === sent.version;

/** What the loser is told. */
export const leaseLost = (winner: Lease | null): LeaseLost => ({
  code: 'Refused',
  message: winner
    ? `the lease has moved on to version ${winner.version}: epoch ${winner.epoch}, ${winner.phase}, holder ${winner.holder ?? 'nobody'}`
    : 'the lease was expected to exist and does not',
  next: 'decide anew from the winner',
  details: { winner },
});
