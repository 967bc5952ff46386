// The lease's transitions as a table: from, to, who may, what must hold, and the sentence that is journaled.
// Pure: `changed` gives the next item or the reason why not; a store makes it true with one compare-and-swap.
// Rules L1-L6: docs/protocol.md. The epoch grows exactly where `authority` is true and never anywhere else.

import {
  asWatched,
  type ChangeRequest,
  type Clause,
  drained,
  epochIsMine,
  iAmHolder,
  isHeld,
  isNotHolder,
  mayBeMain,
  nobodyElseOperates,
  nobodyIsAwaited,
  nodeIsFormer,
  nodeIsFree,
  notDraining,
  notYetProven,
  operationIsMine,
  proofIsNow,
  proofIsRecorded,
  reservedForIt,
  somebodyFences,
} from './clauses';
import type { Problem } from './errors';
import { attempted } from './flapping';
import { type Branch, grown, parted } from './lineage';
import { type Lease, type NodeName, type Phase, phases } from './model';
import { fail, ok, type Result } from './result';

export interface Transition {
  from: readonly Phase[];
  to: Phase | 'same';
  who: 'agent' | 'workflow' | 'operator';
  authority?: true;
  onlyIf: readonly Clause[];
  change?: (lease: Lease, request: ChangeRequest) => Partial<Lease>;
  because: string;
}

const without = <T>(named: Record<NodeName, T>, node: NodeName | undefined): Record<NodeName, T> =>
  Object.fromEntries(Object.entries(named).filter(([name]) => name !== node));

/** At a claim the former holder is shunned in the same write, so that no crash in between lets it back in (T41, T50). */
function shunHolder(lease: Lease): Pick<Lease, 'shunned' | 'hold'> {
  if (lease.holder === null) return { shunned: lease.shunned, hold: lease.hold };
  const label = lease.phase === 'granted' ? 'FAILED-TO-PROMOTE' : 'FAILED-OVER';
  return {
    shunned: { ...lease.shunned, [lease.holder]: { label, epoch: lease.epoch + 1 } },
    hold: { reason: `${lease.holder} lost the main role unexpectedly`, epoch: lease.epoch + 1 },
  };
}

/** `FAILED-OVER-TO-db2`: the label tells the operator where the service went (seed 003). */
function labelled(lease: Lease, to: NodeName): Lease['shunned'] {
  return Object.fromEntries(
    Object.entries(lease.shunned).map(([name, shun]) => [
      name,
      shun.label === 'FAILED-OVER' ? { ...shun, label: `FAILED-OVER-TO-${to}` } : shun,
    ]),
  );
}

/** What the others of the set have been given they keep: the next main adds to it, and acknowledges nothing without them. */
const others = (synced: readonly NodeName[], node: NodeName | undefined): NodeName[] =>
  synced.filter((name) => name !== node);

/** The seated node is free again; a holder that gave up and is not the one is shunned as at a claim. */
function seated(lease: Lease, node: NodeName): Partial<Lease> {
  const before = lease.holder !== null && lease.holder !== node ? { ...lease, ...shunHolder(lease) } : lease;
  const shunned = without(labelled(before, node), node);
  const hold = Object.keys(shunned).length === 0 ? null : before.hold;
  // Its history is the right one from now on, whatever it is: the first renewal tells, and until then nobody else is on it.
  const lineage: Branch[] = [{ timeline: null, fromBytes: 0, epoch: lease.epoch + 1 }];
  return {
    holder: node,
    former: lease.holder ?? lease.former,
    operation: null,
    fence: null,
    vouched: null,
    shunned,
    hold,
    lineage,
    synced: [],
    reservedFor: null,
  };
}

// biome-ignore format: the protocol stays visible as a table
export const transitions = {
  seat: {
    from: ['vacant', 'claimed', 'abdicated'], to: 'granted', who: 'operator', authority: true, onlyIf: [nobodyElseOperates, epochIsMine],
    change: (lease, { node }) => seated(lease, node ?? ''),
    because: 'a person says which node is right, a shunned one included',
  },
  renew: {
    from: ['granted', 'held'], to: 'held', who: 'agent', onlyIf: [iAmHolder, epochIsMine],
    change: (lease, { ttlMs, branch }) => ({
      renewals: lease.renewals + 1, ttlMs: ttlMs ?? lease.ttlMs, lineage: branch ? grown(lease.lineage, { ...branch, epoch: lease.epoch }) : lease.lineage,
    }),
    because: 'the holder is alive and says so',
  },
  accept: {
    from: ['granted'], to: 'granted', who: 'agent', onlyIf: [iAmHolder, epochIsMine],
    change: (lease, { ttlMs }) => ({ renewals: lease.renewals + 1, ttlMs: ttlMs ?? lease.ttlMs }),
    because: 'the candidate has seen the grant: its promise begins before it touches the engine',
  },
  record: {
    from: ['held', 'granted'], to: 'same', who: 'agent', onlyIf: [iAmHolder, epochIsMine],
    change: (lease, { synced }) => ({ synced: synced ?? lease.synced }),
    because: 'these backups have every acknowledged commit; written before a commit stops waiting for one of the others (T30)',
  },
  pause: {
    from: ['held'], to: 'paused', who: 'agent', onlyIf: [iAmHolder, epochIsMine],
    // Counted as a renewal: whoever watched in silence has watched a main that was still to be stopped cleanly (T60).
    change: (lease, { pausedBy }) => ({ renewals: lease.renewals + 1, drain: null, pausedBy: pausedBy ?? 'stop' }),
    because: 'the main was stopped cleanly: backups do not take over',
  },
  resume: {
    from: ['paused'], to: 'granted', who: 'agent', authority: true, onlyIf: [iAmHolder, nobodyElseOperates],
    change: () => ({ pausedBy: null }),
    because: 'the main that was stopped cleanly is back',
  },
  abdicate: {
    from: ['held', 'granted'], to: 'abdicated', who: 'agent', onlyIf: [iAmHolder, epochIsMine],
    change: (_, { proof }) => ({ fence: proof ?? null, drain: null }),
    because: 'the engine is down for good and proven stopped: take over now',
  },
  begin: {
    from: ['held', 'granted', 'paused', 'abdicated', 'claimed'], to: 'same', who: 'workflow', onlyIf: [nobodyElseOperates],
    // A failback reserves the role in the same write: there is no moment in which a third node could be given it (T61).
    change: (lease, { operation, reserve }) => ({ operation: operation ?? null, reservedFor: reserve ?? lease.reservedFor }),
    because: 'one operation at a time; a failback reserves the role for its node',
  },
  probe: {
    from: ['held', 'granted'], to: 'same', who: 'workflow', onlyIf: [operationIsMine, epochIsMine],
    change: (lease, { epoch }) => ({ operation: lease.operation && { ...lease.operation, probeEpoch: epoch ?? lease.epoch } }),
    because: 'somebody who stands where clients stand writes through the VIP',
  },
  end: {
    from: ['held', 'granted', 'paused', 'abdicated', 'claimed'], to: 'same', who: 'workflow', onlyIf: [operationIsMine],
    change: (lease) => ({ operation: null, reservedFor: null, drain: lease.drain === 'transfer' ? null : lease.drain }),
    because: 'the operation is over, and its drain with it',
  },
  drain: {
    from: ['held'], to: 'same', who: 'workflow', onlyIf: [operationIsMine, epochIsMine],
    change: () => ({ drain: 'transfer' as const }),
    because: 'the holder stops writes and reports its final position',
  },
  reopen: {
    from: ['held'], to: 'same', who: 'workflow', onlyIf: [operationIsMine, epochIsMine],
    // Counted as a renewal: it was silent because it was drained.
    change: (lease) => ({ renewals: lease.renewals + 1, drain: null }),
    because: 'the switchover is undone: the main accepts writes again',
  },
  askPause: {
    from: ['held'], to: 'same', who: 'operator', onlyIf: [nobodyElseOperates, notDraining],
    change: () => ({ drain: 'pause' as const }),
    because: 'an operator stops the service cleanly',
  },
  transfer: {
    from: ['held'], to: 'granted', who: 'workflow', authority: true, onlyIf: [operationIsMine, epochIsMine, drained, nodeIsFree, mayBeMain, reservedForIt],
    change: (lease, { node, proof, receivedBytes }) => ({
      holder: node ?? null, former: lease.holder, drain: null, fence: proof ?? null, synced: others(lease.synced, node),
      lineage: parted(lease.lineage, receivedBytes ?? 0, lease.epoch + 1),
    }),
    because: 'the drained holder hands over: the point of no return of a switchover',
  },
  claim: {
    from: ['held', 'granted', 'paused', 'abdicated', 'claimed'], to: 'claimed', who: 'workflow', authority: true, onlyIf: [asWatched, nobodyIsAwaited],
    change: (lease, { operation, attempt }) => ({
      attempts: attempted(lease.attempts, attempt),
      holder: null, former: lease.holder ?? lease.former, operation: operation ?? null, drain: null, pausedBy: null, reservedFor: null, ...shunHolder(lease),
      // A word was given about the world of its epoch (T54).
      vouched: null,
      fence: lease.phase === 'abdicated' && lease.fence ? { ...lease.fence, epoch: lease.epoch + 1 } : null,
    }),
    because: 'the lease has been silent for a full ttl, or a person said so: nobody holds it now',
  },
  vouch: {
    from: ['claimed'], to: 'same', who: 'operator', onlyIf: [epochIsMine, nodeIsFormer, somebodyFences, notYetProven],
    change: (lease, { word }) => ({
      vouched: word && lease.former !== null ? { ...word, node: lease.former, epoch: lease.epoch, version: lease.version + 1 } : null,
    }),
    because: 'a person says that the former main is stopped; the fence step finds it at its next look',
  },
  prove: {
    from: ['claimed'], to: 'same', who: 'workflow', onlyIf: [operationIsMine, epochIsMine, proofIsNow],
    change: (_, { proof }) => ({ fence: proof ?? null }),
    because: 'the former holder is proven to accept no writes',
  },
  grant: {
    from: ['claimed'], to: 'granted', who: 'workflow', onlyIf: [operationIsMine, epochIsMine, proofIsRecorded, nodeIsFree, mayBeMain],
    // Counted as a renewal: silence that was watched before belongs to the former holder, not to this one (L3).
    change: (lease, { node, receivedBytes }) => ({
      holder: node ?? null, renewals: lease.renewals + 1, shunned: labelled(lease, node ?? ''), synced: others(lease.synced, node),
      lineage: parted(lease.lineage, receivedBytes ?? 0, lease.epoch),
    }),
    because: 'the chosen candidate may be main',
  },
  release: {
    from: ['held'], to: 'same', who: 'workflow', onlyIf: [operationIsMine],
    change: (lease, { node }) => {
      const shunned = without(lease.shunned, node);
      return { shunned, hold: Object.keys(shunned).length === 0 ? null : lease.hold };
    },
    because: 'the recovered node is a backup again; without shunned nodes there is nothing to hold',
  },
  unhold: {
    from: ['held', 'granted', 'paused'], to: 'same', who: 'operator', onlyIf: [isHeld],
    change: () => ({ hold: null }),
    because: 'a person has looked at what was not synchronised; shunned nodes stay out until they are recovered',
  },
  bar: {
    from: phases, to: 'same', who: 'operator', onlyIf: [isNotHolder],
    change: (lease, { node, bar }) => ({ barred: node && bar ? { ...lease.barred, [node]: bar } : lease.barred }),
    because: 'a person does not want this node to become main',
  },
  unbar: {
    from: phases, to: 'same', who: 'operator', onlyIf: [], change: (lease, { node }) => ({ barred: without(lease.barred, node) }),
    because: 'this node may become main again',
  },
  acknowledge: {
    from: phases, to: 'same', who: 'operator', onlyIf: [], change: () => ({ attempts: [] }),
    because: 'a person has seen the automatic failovers: they count no more',
  },
} satisfies Record<string, Transition>;

export type TransitionName = keyof typeof transitions;

export interface LeaseRefused extends Problem<'LeaseRefused'> {
  details: { transition: TransitionName; lease: Lease };
}

/** The item as it is before anybody was main. */
export const vacantLease = (cluster: string, ttlMs: number): Lease => ({
  cluster,
  epoch: 0,
  phase: 'vacant',
  holder: null,
  renewals: 0,
  ttlMs,
  drain: null,
  pausedBy: null,
  reservedFor: null,
  former: null,
  operation: null,
  fence: null,
  vouched: null,
  shunned: {},
  hold: null,
  lineage: [],
  barred: {},
  attempts: [],
  synced: [],
  version: 0,
  nonce: '',
});

/**
 * The item after a transition, or why it is refused. Does not touch its input.
 * `nonce` must be unique per attempt: it is what L4 compares after a lost reply.
 */
export function changed(
  lease: Lease,
  name: TransitionName,
  request: ChangeRequest,
  nonce: string,
): Result<Lease, LeaseRefused> {
  const transition: Transition = transitions[name];
  const why = transition.from.includes(lease.phase)
    ? transition.onlyIf.find(({ test }) => !test(lease, request))?.otherwise(lease)
    : `the lease is ${lease.phase}`;
  if (why !== undefined) {
    return fail({
      code: 'LeaseRefused',
      message: `${name} refused: ${why}`,
      next: 'read the lease again and decide anew',
      details: { transition: name, lease },
    });
  }
  return ok({
    ...lease,
    ...transition.change?.(lease, request),
    phase: transition.to === 'same' ? lease.phase : transition.to,
    epoch: transition.authority ? lease.epoch + 1 : lease.epoch,
    version: lease.version + 1,
    nonce,
  });
}
