// What executions and people may do next in the exhaustive small world: every write of a failover, a switchover or a recover is a
// move of its own.

import type { Lease, NodeName } from '../../core/model';
import {
  type Failover,
  type Flaw,
  type Move,
  type SmallOptions,
  type SmallState,
  silenceTicks,
  withNode,
  written,
} from './small-world';

const operation = (kind: 'failover' | 'switchover' | 'recover', node?: NodeName) => ({
  id: kind,
  kind,
  by: 'x',
  since: '',
  ...(node ? { node } : {}),
});

export function failoverMoves(state: SmallState, { flaw }: SmallOptions): Move[] {
  const { failover, lease, nodes } = state;
  if (failover === null) return triggers(state, flaw);
  if (failover.epoch === null) return [claim(state, failover)];
  const over = lease.epoch !== failover.epoch || lease.operation?.id !== 'failover';
  if (over) return [{ what: 'failover: the lease has moved on', next: { ...state, failover: null } }];
  if (lease.phase === 'held') {
    const ended = written(state, 'end', { operation: operation('failover') });
    return ended ? [{ what: 'failover done', next: { ...ended, failover: null } }] : [];
  }
  if (lease.phase !== 'claimed') return [];
  if (lease.fence === null && flaw !== 'grant without proof') return fences(state, failover, flaw);
  return nodes.flatMap(({ name, agent, engine }) => {
    const able = agent?.view?.version === lease.version && agent.state === 'backup' && engine === 'read-only';
    const unproven = { ...state, lease: { ...lease, fence: lease.fence ?? proof(lease, 'self-fence') } };
    const granted = able
      ? written(unproven, 'grant', { node: name, operation: operation('failover'), epoch: lease.epoch })
      : null;
    return granted ? [{ what: `failover: granted to ${name}`, next: granted }] : [];
  });
}

function claim(state: SmallState, failover: Failover): Move {
  const watched = failover.forced ? state.lease : failover.watched;
  const claimed = written(state, 'claim', { watched, operation: operation('failover') });
  if (!claimed) return { what: 'failover: the claim is refused', next: { ...state, failover: null } };
  return {
    what: `failover: claimed, epoch ${claimed.lease.epoch}`,
    next: { ...claimed, switching: false, failover: { ...failover, epoch: claimed.lease.epoch } },
  };
}

const proof = ({ former, epoch }: Lease, how: 'self-fence' | 'demote-ack' | 'power-off') => ({
  node: former ?? '',
  epoch,
  how,
  evidence: '',
});

/** The rungs of workflows/steps/fence.ts. */
function fences(state: SmallState, { forced, age }: Failover, flaw: Flaw | null): Move[] {
  const { lease, nodes } = state;
  const former = nodes.find(({ name }) => name === lease.former);
  if (!former) return [];
  const { agent, power, engine } = former;
  const rungs = {
    'self-fence': !forced || age >= silenceTicks,
    'demote-ack': agent?.view?.epoch === lease.epoch && agent.state === 'shunned' && engine === 'stopped',
    'power-off': power === 'off' || (flaw === 'stopping is stopped' && power === 'stopping'),
  };
  const moves = Object.entries(rungs).flatMap(([how, proves]) => {
    const recorded = proves
      ? written(state, 'prove', {
          operation: operation('failover'),
          epoch: lease.epoch,
          proof: proof(lease, how as keyof typeof rungs),
        })
      : null;
    return recorded ? [{ what: `failover: PROVEN by ${how}`, next: recorded }] : [];
  });
  const cut =
    power === 'on'
      ? [
          {
            what: `failover: power-off of ${former.name} asked for`,
            next: withNode(state, former, { power: 'stopping' }),
          },
        ]
      : [];
  return [...moves, ...cut];
}

function triggers(state: SmallState, flaw: Flaw | null): Move[] {
  const { nodes, duplicate, budget } = state;
  const begin = (watched: Failover['watched'], forced: boolean): Failover => ({ watched, forced, epoch: null, age: 0 });
  const moves: Move[] = nodes.flatMap(({ name, agent }) => {
    const view = agent?.view;
    if (!view || agent.frozen || view.holder === name || !['held', 'granted', 'claimed'].includes(view.phase))
      return [];
    if (agent.silent < (flaw === 'claim without silence' ? 1 : silenceTicks)) return [];
    const watched = { epoch: view.epoch, renewals: view.renewals };
    return [
      {
        what: `${name} announces the silence`,
        next: { ...state, failover: begin(watched, false), duplicate: watched },
      },
    ];
  });
  if (duplicate)
    moves.push({
      what: 'the same trigger again',
      next: { ...state, failover: begin(duplicate, false), duplicate: null },
    });
  if (budget > 0)
    moves.push({
      what: 'a person forces a failover',
      next: { ...state, budget: budget - 1, failover: begin({ epoch: 0, renewals: 0 }, true) },
    });
  return moves;
}

/** A switchover, and its undo; a recover. Each write is a move of its own. */
export function peopleMoves(state: SmallState): Move[] {
  const { lease, nodes, switching, budget } = state;
  const move = (what: string, next: SmallState | null, more: Partial<SmallState> = {}): Move[] =>
    next ? [{ what, next: { ...next, ...more } }] : [];
  const mine = { operation: operation('switchover'), epoch: lease.epoch };
  if (!switching) {
    const shunned = nodes.find(({ name, agent }) => lease.shunned[name] && agent);
    return [
      ...(budget > 0 && lease.operation === null
        ? move('switchover begins', written(state, 'begin', mine), { switching: true, budget: budget - 1 })
        : []),
      ...(shunned && lease.operation === null && lease.phase === 'held'
        ? move(
            `recover of ${shunned.name} begins`,
            written(state, 'begin', { operation: operation('recover', shunned.name) }),
          )
        : []),
      ...recoverMoves(state),
    ];
  }
  if (lease.operation?.id !== 'switchover') return move('switchover: another operation', state, { switching: false });
  if (lease.phase !== 'held') return [];
  const holder = nodes.find(({ name }) => name === lease.holder);
  const drained =
    lease.drain === 'transfer' && holder?.agent?.state === 'draining' && holder.agent.view?.version === lease.version;
  const to = nodes.find(
    ({ name, agent, engine }) => name !== lease.holder && agent && engine === 'read-only' && !lease.shunned[name],
  );
  const fence = holder && { node: holder.name, epoch: lease.epoch + 1, how: 'drained' as const, evidence: '' };
  return [
    ...(lease.drain === null ? move('switchover: drain', written(state, 'drain', mine)) : []),
    ...(drained && to && fence
      ? move(`switchover: transfer to ${to.name}`, written(state, 'transfer', { ...mine, node: to.name, proof: fence }))
      : []),
    ...(lease.drain === 'transfer' ? move('switchover: undone', written(state, 'reopen', mine)) : []),
    ...(lease.drain === null ? move('switchover: ended', written(state, 'end', mine), { switching: false }) : []),
  ];
}

function recoverMoves(state: SmallState): Move[] {
  const { lease, nodes } = state;
  const node = nodes.find(({ name }) => name === lease.operation?.node);
  if (lease.operation?.kind !== 'recover') return [];
  const mine = { operation: operation('recover', node?.name), ...(node ? { node: node.name } : {}) };
  const rejoined =
    node?.agent?.state === 'rejoining' && node.agent.view?.operation?.kind === 'recover' && node.engine === 'read-only';
  const released = rejoined ? written(state, 'release', mine) : null;
  const ended = written(released ?? state, 'end', mine);
  return ended ? [{ what: `recover ends${released ? `: ${node?.name} is free` : ''}`, next: ended }] : [];
}
