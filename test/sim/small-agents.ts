// What nodes, requests and time may do next in the exhaustive small world. An agent's look, its decision and its request are moves
// of their own, so that anything may come between them (T5); what a rule does to the engine is one move with its decision.

import { changed } from '../../core/lease';
import { type Lease, type NodeName, unknownEngine } from '../../core/model';
import { decide } from '../../core/rules';
import {
  type Agent,
  type Flaw,
  freshAgent,
  type Move,
  promiseTicks,
  type Request,
  type SmallNode,
  type SmallState,
  silenceTicks,
  tickMs,
  withAgent,
  withNode,
  written,
} from './small-world';

const same = (one: Lease | null, other: Lease): boolean =>
  one !== null && one.epoch === other.epoch && one.renewals === other.renewals;

/** A read, and what a contender counts from it (core/watch.ts, in ticks). */
function read(state: SmallState, node: SmallNode): SmallState {
  const { lease } = state;
  const agent = node.agent as Agent;
  const goesOn = same(agent.view, lease);
  return withAgent(state, node, {
    view: lease,
    silent: goesOn ? Math.min(agent.sinceFirst, silenceTicks) : 0,
    sinceFirst: goesOn ? agent.sinceFirst : 0,
    done: true,
  });
}

function entitled({ name, agent, engine }: SmallNode): Request['how'] | null {
  const view = agent?.view;
  if (!view || view.holder !== name || view.drain === 'transfer') return null;
  if (view.phase === 'granted') return engine === 'writable' ? 'renew' : 'accept';
  return view.phase === 'held' ? 'renew' : null;
}

const promised = ({ promise, view }: Agent): number =>
  promise && promise.epoch === view?.epoch ? Math.max(0, promise.left) : 0;

/** The rule that matches, and what the driver does for it. */
function act(state: SmallState, node: SmallNode, flaw: Flaw | null): SmallState {
  const agent = node.agent as Agent;
  const { goal } = decide({
    me: node.name,
    lease: agent.view,
    promiseLeftMs: agent.promise && agent.promise.epoch === agent.view?.epoch ? agent.promise.left * tickMs : null,
    engine: {
      ...unknownEngine,
      running: node.engine !== 'stopped',
      writable: node.engine === 'writable',
      received: { timeline: 1, bytes: 0 },
    },
    state: agent.state,
    restarts: 0,
    leaving: false,
  });
  const becomes = (engine: SmallNode['engine'], deadman: number | null): SmallState =>
    withNode(state, node, { engine, deadman, agent: { ...agent, state: goal } });
  if (goal === 'promoting' || goal === 'main') {
    const left = promised(agent);
    if (left === 0) return state;
    return becomes('writable', flaw === 'no deadman' ? null : left);
  }
  return goal === 'backup' || goal === 'rejoining' ? becomes('read-only', null) : becomes('stopped', null);
}

/** What an agent may do: one round a second, and one more whenever the lease has moved. */
export function agentMoves(state: SmallState, node: SmallNode, flaw: Flaw | null): Move[] {
  const { agent, name } = node;
  if (!agent || agent.frozen || (agent.done && agent.view?.version === state.lease.version)) return [];
  const how = entitled(node);
  const spent = { ...state, budget: state.budget - 1 };
  const acted = (at: SmallState): SmallState => act(at, nodeOf(at, name), flaw);
  if (how === null || agent.view === null) {
    const moves = [{ what: `${name} reads`, next: acted(read(state, node)) }];
    if (state.budget === 0) return moves;
    const unread = withAgent(spent, node, { silent: 0, sinceFirst: 0, done: true });
    const frozen = read(spent, node);
    return [
      ...moves,
      { what: `${name} cannot read`, next: acted(unread) },
      { what: `${name} reads, and freezes`, next: withAgent(frozen, nodeOf(frozen, name), { frozen: true }) },
    ];
  }
  const request: Request = { how, base: agent.view, ago: 0, answer: 'none' };
  const sent = send(state, node, request, flaw);
  const moves = [{ what: `${name} sends ${how}: ${sent.answer}`, next: acted(heard(sent.state, name, sent, flaw)) }];
  if (state.budget === 0) return moves;
  const troubled = send(spent, node, request, flaw);
  const unheard = withAgent(troubled.state, nodeOf(troubled.state, name), { silent: 0, sinceFirst: 0, done: true });
  const waiting = withAgent(troubled.state, nodeOf(troubled.state, name), {
    request: { ...request, answer: troubled.answer },
    frozen: true,
  });
  return [
    ...moves,
    { what: `${name} sends ${how}: ${troubled.answer}, and hears nothing`, next: acted(unheard) },
    {
      what: `${name} sends ${how}: on its way`,
      next: acted(withNode(spent, node, { ghost: request, agent: { ...agent, silent: 0, sinceFirst: 0, done: true } })),
    },
    { what: `${name} sends ${how}: ${troubled.answer}, and freezes`, next: waiting },
  ];
}

const nodeOf = (state: SmallState, name: NodeName): SmallNode =>
  state.nodes.find((node) => node.name === name) as SmallNode;

/** To the store, where it is written or refused. */
function send(state: SmallState, node: SmallNode, request: Request, flaw: Flaw | null) {
  const applied = arrives(state, request, node.name, flaw);
  return { ...request, state: applied ?? state, answer: applied ? ('written' as const) : ('refused' as const) };
}

/** The answer: a promise from when it was sent, or the winner. */
function heard(state: SmallState, name: NodeName, { how, base, ago, answer }: Request, flaw: Flaw | null): SmallState {
  const node = nodeOf(state, name);
  if (answer === 'refused')
    return read(withAgent(state, node, { request: null }), nodeOf(withAgent(state, node, { request: null }), name));
  const left = promiseTicks - (flaw === 'promise from the reply' ? 0 : ago);
  const wrote = changed(base, how, { node: name, epoch: base.epoch }, '');
  const deadman = node.engine === 'writable' && flaw !== 'no deadman' ? Math.max(0, left) : node.deadman;
  return withNode(state, node, {
    deadman,
    agent: {
      ...(node.agent as Agent),
      view: wrote.ok ? wrote.value : base,
      request: null,
      promise: { epoch: base.epoch, left },
      silent: 0,
      sinceFirst: 0,
      done: true,
    },
  });
}

/** A request reaches the store: a compare-and-swap on the version. */
function arrives(state: SmallState, request: Request, node: NodeName, flaw: Flaw | null): SmallState | null {
  const { how, base } = request;
  if (base.version === state.lease.version) return written(state, how, { node, epoch: base.epoch });
  if (flaw !== 'blind renewal' || how !== 'renew') return null;
  return { ...state, lease: { ...base, renewals: base.renewals + 1, version: state.lease.version + 1 } };
}

/** What was given up may still arrive. */
export function storeMoves(state: SmallState, { ghost, name }: SmallNode, flaw: Flaw | null): Move[] {
  const late = ghost && arrives(state, ghost, name, flaw);
  return late
    ? [{ what: `store: a late ${ghost.how} of ${name}`, next: withNode(late, nodeOf(late, name), { ghost: null }) }]
    : [];
}

export function disturbances(state: SmallState, node: SmallNode, flaw: Flaw | null): Move[] {
  const { agent, power, name } = node;
  const moves: Move[] = [];
  const off: Partial<SmallNode> = { power: 'off', agent: null, engine: 'stopped', deadman: null };
  if (power === 'stopping') moves.push({ what: `${name} is off`, next: withNode(state, node, off) });
  if (agent?.frozen) moves.push({ what: `${name}: agent thaws`, next: thawed(state, node, flaw) });
  if (!agent && power === 'on')
    moves.push({ what: `${name}: agent starts`, next: withNode(state, node, { agent: freshAgent() }) });
  if (power === 'off')
    moves.push({ what: `${name} has power`, next: withNode(state, node, { power: 'on', agent: freshAgent() }) });
  if (state.budget > 0 && agent) {
    moves.push({
      what: `${name}: agent dies`,
      next: withNode({ ...state, budget: state.budget - 1 }, node, { agent: null }),
    });
  }
  return moves;
}

/** It goes on where it stood: hears its answer, and acts on what it knew. */
function thawed(state: SmallState, node: SmallNode, flaw: Flaw | null): SmallState {
  const { name, agent } = node;
  const awake = withAgent(state, node, { frozen: false });
  const told = agent?.request ? heard(awake, name, agent.request, flaw) : awake;
  return act(told, nodeOf(told, name), flaw);
}

/** A second passes, once every agent that is awake has had its round: promises run down, and deadmen strike. */
export function ticks(state: SmallState): Move[] {
  if (state.nodes.some(({ agent }) => agent && !agent.frozen && !agent.done)) return [];
  const nodes = state.nodes.map((node): SmallNode => {
    const { agent, deadman } = node;
    const left = deadman === null ? null : deadman - 1;
    const struck = left !== null && left <= 0;
    return {
      ...node,
      engine: struck ? 'stopped' : node.engine,
      deadman: struck ? null : left,
      agent: agent && {
        ...agent,
        done: false,
        promise: agent.promise && { ...agent.promise, left: Math.max(-1, agent.promise.left - 1) },
        sinceFirst: Math.min(agent.sinceFirst + 1, silenceTicks),
        request: agent.request && { ...agent.request, ago: Math.min(agent.request.ago + 1, promiseTicks + 1) },
      },
    };
  });
  const { failover } = state;
  const age = failover && Math.min(failover.age + (failover.epoch === null ? 0 : 1), silenceTicks);
  return [{ what: 'a second passes', next: { ...state, nodes, failover: failover && { ...failover, age: age ?? 0 } } }];
}
