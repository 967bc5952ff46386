// From the state a node has proven to the goal it was given: which action takes it there. Every goal that a rule can
// assign has an edge from every state it can be assigned in; a goal without one would leave a node where it is for ever.

import type { NodeState } from '../core/model';

export type Action = 'follow' | 'promote' | 'serve' | 'drain' | 'fence' | 'rejoin';

const anywhere: readonly NodeState[] = ['backup', 'promoting', 'main', 'draining', 'fenced', 'shunned', 'rejoining'];

export interface Edge {
  from: readonly NodeState[];
  goal: NodeState;
  action: Action;
  /** What the action proves before the state is taken. */
  proves: string;
}

// biome-ignore format: the protocol stays visible as a table
export const edges: readonly Edge[] = [
  { from: anywhere, goal: 'backup', action: 'follow', proves: 'the engine runs read-only and follows the holder, if there is one' },
  { from: anywhere, goal: 'promoting', action: 'promote', proves: 'a promise is held, the deadman is armed, the engine is writable' },
  { from: anywhere, goal: 'main', action: 'serve', proves: 'a promise is held, the deadman is armed, the engine is writable' },
  { from: anywhere, goal: 'draining', action: 'drain', proves: 'the engine is stopped cleanly and its final position is known' },
  { from: anywhere, goal: 'fenced', action: 'fence', proves: 'the engine is stopped by force, verified' },
  { from: anywhere, goal: 'shunned', action: 'fence', proves: 'the engine is stopped by force, verified' },
  { from: anywhere, goal: 'rejoining', action: 'rejoin', proves: 'the evidence is kept and the data is a copy of the main' },
];

/** The action for this pair, or null where no edge leads. */
export const actionFor = (state: NodeState, goal: NodeState): Action | null =>
  edges.find((edge) => edge.goal === goal && edge.from.includes(state))?.action ?? null;
