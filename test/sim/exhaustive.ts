// Walks every interleaving of the small world, breadth first, to a depth or until nothing new is left; the first state that breaks
// an invariant is reached by a shortest story.

import type { Lease } from '../../core/model';
import { agentMoves, disturbances, storeMoves, ticks } from './small-agents';
import { failoverMoves, peopleMoves } from './small-operations';
import { beginning, type Move, type Request, type SmallNode, type SmallOptions, type SmallState } from './small-world';

export interface Walk {
  states: number;
  transitions: number;
  /** The last depth that was walked. */
  depth: number;
  /** Nothing new was left. */
  complete: boolean;
  violation: { invariant: string; trace: string[] } | null;
  /** How many states each of these was seen in: a walk that never meets them proves nothing. */
  met: Record<keyof typeof landmarks, number>;
}

const movesOf = (state: SmallState, options: SmallOptions): Move[] =>
  state.lease.epoch > options.lastEpoch
    ? []
    : [
        ...state.nodes.flatMap((node) => [
          ...agentMoves(state, node, options.flaw),
          ...storeMoves(state, node, options.flaw),
          ...disturbances(state, node, options.flaw),
        ]),
        ...failoverMoves(state, options),
        ...peopleMoves(state),
        ...ticks(state),
      ];

const landmarks = {
  'a main writes': ({ nodes }: SmallState) => nodes.some(({ engine }) => engine === 'writable'),
  claimed: ({ lease }: SmallState) => lease.phase === 'claimed',
  proven: ({ lease }: SmallState) => lease.phase === 'claimed' && lease.fence !== null,
  'failed over': ({ lease }: SmallState) =>
    lease.phase === 'held' && lease.fence !== null && lease.fence.how !== 'drained',
  'switched over': ({ lease }: SmallState) => lease.phase === 'held' && lease.fence?.how === 'drained',
  'frozen beyond its promise': ({ nodes }: SmallState) =>
    nodes.some(({ agent }) => agent?.frozen && (agent.promise?.left ?? 0) < 0),
  'a former main is back and shunned': ({ nodes, lease }: SmallState) =>
    nodes.some(({ name, agent }) => lease.shunned[name] && agent?.state === 'shunned'),
  'a former main was let back': ({ nodes, lease }: SmallState) =>
    lease.epoch > 1 &&
    Object.keys(lease.shunned).length === 0 &&
    nodes.some(({ agent }) => agent?.state === 'rejoining'),
};

// ---- invariants

function broken({ lease, nodes }: SmallState): string | null {
  const writable = nodes.filter(({ engine }) => engine === 'writable').map(({ name }) => name);
  if (writable.length > 1) return `I1: ${writable.join(' and ')} accept writes`;
  const [writer] = writable;
  if (writer === undefined) return null;
  const former = lease.phase === 'claimed' && lease.former === writer && lease.fence === null;
  if (lease.holder !== writer && !former)
    return `I4: ${writer} accepts writes, the lease is ${lease.holder ?? lease.phase}'s`;
  const proven = lease.phase !== 'claimed' || lease.fence !== null;
  return lease.shunned[writer] && proven ? `I8: ${writer} is shunned and accepts writes` : null;
}

function brokenBy(before: Lease, { lease, nodes }: SmallState): string | null {
  if (lease.epoch < before.epoch) return `I2: the epoch fell from ${before.epoch} to ${lease.epoch}`;
  const granted = lease.holder !== null && lease.holder !== before.holder;
  if (!granted) return null;
  if (lease.epoch === before.epoch && before.holder !== null) return `I2: epoch ${lease.epoch} has two holders`;
  if (lease.fence?.epoch !== lease.epoch)
    return `I3: ${lease.holder} is granted epoch ${lease.epoch} without a proof of it`;
  const writer = nodes.find(({ name, engine }) => name !== lease.holder && engine === 'writable');
  return writer ? `I3: ${lease.holder} is granted the lease while ${writer.name} writes` : null;
}

// ---- which states are the same: versions and renewals count only by whether they are the present ones

const about = (lease: Lease): string =>
  `${lease.epoch}${lease.phase}${lease.holder}${lease.drain}${lease.former}${lease.operation?.kind}${lease.operation?.node}${lease.fence?.epoch}${lease.fence?.how}${Object.keys(lease.shunned)}`;

function seen(view: Lease | null, lease: Lease): string {
  if (view === null) return '-';
  if (view.version === lease.version) return '=';
  return `${about(view)}${view.epoch === lease.epoch && view.renewals === lease.renewals ? 's' : ''}`;
}

const requestKey = (request: Request | null, lease: Lease): string =>
  request === null ? '-' : `${request.how}${request.ago}${request.answer}${seen(request.base, lease)}`;

function nodeKey({ agent, power, engine, deadman, ghost }: SmallNode, lease: Lease): string {
  const late = ghost && ghost.base.version === lease.version ? ghost.how : '-';
  if (!agent) return `!${power}${engine}${deadman}${late}`;
  const { view, state, frozen, promise, silent, sinceFirst, request, done } = agent;
  const promised = promise === null ? '-' : `${promise.epoch}.${promise.left}`;
  return `${seen(view, lease)}|${state}${frozen ? 'f' : ''}${done ? 'd' : ''}${promised}.${silent}.${sinceFirst}${requestKey(request, lease)}${power}${engine}${deadman}${late}`;
}

function keyOf({ lease, nodes, failover, duplicate, switching, budget }: SmallState): string {
  const present = (watched: { epoch: number; renewals: number } | null) =>
    watched === null ? '-' : watched.epoch === lease.epoch && watched.renewals === lease.renewals ? 'p' : 's';
  const going = failover ? `${present(failover.watched)}${failover.forced}${failover.epoch}.${failover.age}` : '-';
  return `${about(lease)}#${nodes.map((node) => nodeKey(node, lease)).join('#')}#${going}${present(duplicate)}${switching}${budget}`;
}

// ---- the walk

interface Reached {
  state: SmallState;
  what: string;
  from: Reached | null;
}

function storyOf(reached: Reached): string[] {
  const story: string[] = [];
  for (let at: Reached | null = reached; at !== null; at = at.from) story.unshift(at.what);
  return story;
}

export function explore(options: SmallOptions & { depth: number }): Walk {
  const walk: Walk = {
    states: 1,
    transitions: 0,
    depth: 0,
    complete: false,
    violation: null,
    met: Object.fromEntries(Object.keys(landmarks).map((name) => [name, 0])) as Walk['met'],
  };
  const start = beginning(options);
  const known = new Set([keyOf(start)]);
  let edge: Reached[] = [{ state: start, what: 'a is seated', from: null }];
  while (edge.length > 0 && walk.depth < options.depth && walk.violation === null) {
    const next: Reached[] = [];
    for (const from of edge) visit(from, options, walk, known, next);
    edge = next;
    walk.depth += 1;
  }
  walk.complete = edge.length === 0;
  return walk;
}

function visit(from: Reached, options: SmallOptions, walk: Walk, known: Set<string>, next: Reached[]): void {
  for (const { what, next: state } of movesOf(from.state, options)) {
    walk.transitions += 1;
    const key = keyOf(state);
    const reached = { state, what, from };
    const wrong = brokenBy(from.state.lease, state) ?? broken(state);
    if (wrong !== null) walk.violation ??= { invariant: wrong, trace: storyOf(reached) };
    if (known.has(key)) continue;
    known.add(key);
    walk.states += 1;
    for (const [name, shows] of Object.entries(landmarks)) if (shows(state)) walk.met[name as keyof Walk['met']] += 1;
    next.push(reached);
  }
}
