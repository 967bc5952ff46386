// A node without a gate: no nft, no right to use it, or a kernel without nf_tables. It says so and enforces nothing; the fence
// proof of such a node is no stronger than its deadman.

import type { CountedPromise, Gate } from '../../core/gate';
import { ok } from '../../core/result';

const nothing = async () => ok(undefined);
const promise: CountedPromise = { ticket: 0, slot: 'a' };

export const createAbsentGate = (reason: string): Gate => ({
  install: async () => ok('kept' as const),
  promise: async () => ok(promise),
  confirm: nothing,
  openReadOnly: nothing,
  shut: nothing,
  status: async () => ({ state: 'absent', leftMs: null, intact: true, repairs: 0, problem: reason }),
  remove: nothing,
  stop: async () => undefined,
});
