// Which backups a commit waits for, and which the lease says have every acknowledged commit. Pure: the holder's agent asks once a
// round and does the one thing that the first matching rule says.
//
//   recorded (on the lease): each of these has every commit that was ever acknowledged; a failover goes to nobody else
//   waited   (in the engine): a commit is acknowledged when all of these have it on disk
//
// recorded is always a subset of waited. So a node is recorded only after the engine has waited for it and it has all that was
// there at that time; and the engine stops waiting for a node only after the lease has stopped naming it (T30).

import type { NodeName } from './model';

export const replicationModes = ['async', 'sync', 'strict'] as const;
export type ReplicationMode = (typeof replicationModes)[number];

export interface ReplicationConfig {
  /**
   * async: acknowledged when the main has it. sync: when the recorded backups have it too; with none left the main goes on alone,
   * which is recorded first. strict: never acknowledged alone.
   */
  mode: ReplicationMode;
  /** How many backups a commit waits for, as long as so many are well. */
  backups: number;
}

/** What the main's engine knows of a node that streams from it. */
export interface Follower {
  node: NodeName;
  streaming: boolean;
  /** Durable there, in bytes since the beginning of the history. */
  flushedBytes: number;
}

export interface ReplicationView {
  config: ReplicationConfig;
  /** Everybody who could become main, in order of preference. */
  candidates: readonly NodeName[];
  /** All other nodes, candidates first: strict waits for somebody, however unwell. */
  others: readonly NodeName[];
  recorded: readonly NodeName[];
  waited: readonly NodeName[];
  /** Of the waited, those that have all that was committed before the engine waited for them. */
  complete: readonly NodeName[];
  /** Nodes that have kept up with the main for the last two heartbeats. */
  well: readonly NodeName[];
}

export type ReplicationAct =
  | { act: 'record'; rule: string; nodes: NodeName[]; because: string }
  | { act: 'wait'; rule: string; nodes: NodeName[]; because: string }
  | { act: 'none'; rule: string; because: string };

interface Rule {
  id: string;
  act: ReplicationAct['act'];
  nodes: (view: ReplicationView) => NodeName[] | null;
  because: string;
}

const equal = (one: readonly NodeName[], other: readonly NodeName[]): boolean =>
  one.length === other.length && one.every((node) => other.includes(node));

const dropped = ({ recorded, well }: ReplicationView): NodeName | undefined =>
  recorded.find((node) => !well.includes(node));

/** Well enough to join, as many as are missing. */
function joining({ config, candidates, recorded, well, waited }: ReplicationView): NodeName[] {
  const missing = config.backups - recorded.filter((node) => well.includes(node)).length;
  const free = candidates.filter((node) => !recorded.includes(node) && well.includes(node));
  // Who has begun to join goes on: two that take turns would never arrive.
  const ordered = [...free.filter((node) => waited.includes(node)), ...free.filter((node) => !waited.includes(node))];
  return ordered.slice(0, Math.max(0, missing));
}

/** strict: somebody is waited for though nobody is well; a commit that nobody else has must not be acknowledged. */
function wanted(view: ReplicationView): NodeName[] {
  const nodes = [...view.recorded, ...joining(view)];
  if (view.config.mode === 'strict' && nodes.length === 0)
    return view.waited.length > 0 ? [...view.waited] : view.others.slice(0, view.config.backups);
  return nodes;
}

// biome-ignore format: the protocol stays visible as a table
export const replicationRules: readonly Rule[] = [
  { id: 'S10', act: 'record', because: 'it has everything that was acknowledged, and commits wait for it',
    nodes: ({ waited, recorded, complete }) => { const node = waited.find((each) => !recorded.includes(each) && complete.includes(each)); return node === undefined ? null : [...recorded, node]; } },
  { id: 'S20', act: 'record', because: 'it does not keep up: others are waited for, and it may not take over',
    nodes: (view) => { const node = dropped(view); return node !== undefined && view.recorded.length > 1 ? view.recorded.filter((each) => each !== node) : null; } },
  { id: 'S30', act: 'record', because: 'DEGRADED: no backup keeps up, the main goes on alone, and nobody may take over by itself',
    nodes: (view) => (view.config.mode === 'sync' && dropped(view) !== undefined && joining(view).length === 0 ? [] : null) },
  { id: 'S40', act: 'wait', because: 'commits wait for these from now on',
    nodes: (view) => { const nodes = wanted(view); return equal(nodes, view.waited) ? null : nodes; } },
];

/** The first rule that matches; nothing to do when none does. */
export function decideReplication(view: ReplicationView): ReplicationAct {
  for (const { id, act, nodes, because } of replicationRules) {
    const found = nodes(view);
    if (found !== null && act !== 'none') return { act, rule: id, nodes: found, because };
  }
  return { act: 'none', rule: 'S50', because: 'commits wait for whom they should' };
}

/** Whom a new main waits for from its first commit on: nobody has told anything yet. */
export function waitedAtFirst(
  { mode, backups }: ReplicationConfig,
  recorded: readonly NodeName[],
  others: readonly NodeName[],
): NodeName[] {
  if (mode === 'async') return [];
  if (recorded.length > 0 || mode === 'sync') return [...recorded];
  return others.slice(0, backups);
}
