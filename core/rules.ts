// What a node does: a first-match table over its own view. Ids are spaced by ten and never reused; they stand in every
// report, log line and journal entry, and `because` is what the operator reads. Pure: no clock, no I/O.

import type { EngineStatus, Lease, NodeName, NodeState } from './model';

export interface View {
  me: NodeName;
  /** The lease as last read successfully since the agent started, or null. */
  lease: Lease | null;
  /** What is left of my promise as holder, on my own clock (L2); null when I never held this epoch. */
  promiseLeftMs: number | null;
  engine: EngineStatus;
  state: NodeState;
  /** Restarts of a crashed engine already tried at this epoch. */
  restarts: number;
  /** The agent was asked to stop: cleanly, so that nobody takes over. */
  leaving: boolean;
}

export type Act = 'none' | 'abdicate' | 'resume' | 'pause';

export interface Rule {
  id: string;
  when: (view: View) => boolean;
  goal: NodeState;
  /** A change of the lease that the agent asks for with the goal. */
  act?: Act;
  because: string;
}

const holds = ({ lease, me }: View): boolean => lease?.holder === me;
const phase = ({ lease }: View): Lease['phase'] | undefined => lease?.phase;
const shunned = ({ lease, me }: View): boolean => lease?.shunned[me] !== undefined;
const letBack = ({ lease, me }: View): boolean =>
  lease?.operation?.kind === 'recover' && lease.operation.node === me && lease.phase === 'held' && lease.holder !== me;
const promiseOver = ({ promiseLeftMs }: View): boolean => promiseLeftMs !== null && promiseLeftMs <= 0;
/** A main that runs and does not answer may still be acknowledging writes (T14). */
const mayWrite = ({ engine }: View): boolean => engine.writable || (engine.running && engine.received === null);
const serving = (view: View): boolean => holds(view) && (phase(view) === 'held' || phase(view) === 'granted');

// biome-ignore format: the protocol stays visible as a table
export const rules: readonly Rule[] = [
  { id: 'R10', goal: 'fenced', when: (v) => v.lease === null && v.engine.writable, because: 'I have not read the lease yet: nothing may write here' },
  { id: 'R20', goal: 'backup', when: (v) => v.lease === null, because: 'every node starts as backup and waits until it has read the lease' },
  { id: 'R30', goal: 'rejoining', when: (v) => letBack(v) && !v.engine.writable, because: 'a person asked for my return: evidence first, then follow, rewind or reseed' },
  { id: 'R40', goal: 'shunned', when: shunned, because: 'I lost the main role unexpectedly: kept out with my data untouched until a person decides' },
  { id: 'R50', goal: 'fenced', when: (v) => serving(v) && promiseOver(v) && mayWrite(v), because: 'my promise is over and I could not renew it: stopped before anybody else may start' },
  { id: 'R60', goal: 'fenced', when: (v) => !holds(v) && v.engine.writable, because: 'another epoch, another holder: I stop accepting writes' },
  { id: 'R70', goal: 'draining', act: 'pause', when: (v) => serving(v) && v.leaving, because: 'this node is being stopped: cleanly, so that nobody takes over' },
  { id: 'R80', goal: 'draining', act: 'pause', when: (v) => serving(v) && v.lease?.drain === 'pause', because: 'an operator stops the service cleanly' },
  { id: 'R90', goal: 'draining', when: (v) => serving(v) && v.lease?.drain === 'transfer', because: 'I am asked to stop writes and report my final position' },
  { id: 'R100', goal: 'fenced', act: 'abdicate', when: (v) => holds(v) && phase(v) === 'granted' && v.restarts >= 2, because: 'I could not become main in two attempts: somebody else should' },
  { id: 'R110', goal: 'promoting', when: (v) => holds(v) && phase(v) === 'granted', because: 'the lease is granted to me' },
  { id: 'R120', goal: 'main', when: (v) => serving(v) && v.engine.writable, because: 'I hold the lease and renew it' },
  { id: 'R130', goal: 'main', when: (v) => serving(v) && v.restarts === 0, because: 'I hold the lease and my engine does not serve: one attempt to start it again' },
  { id: 'R140', goal: 'fenced', act: 'abdicate', when: serving, because: 'my engine is down for good: I give the lease up now, nobody has to wait for the ttl' },
  { id: 'R150', goal: 'promoting', act: 'resume', when: (v) => holds(v) && phase(v) === 'paused' && v.lease?.pausedBy === 'stop' && !v.leaving, because: 'I was stopped cleanly and am back' },
  { id: 'R160', goal: 'draining', when: (v) => holds(v) && phase(v) === 'paused', because: 'the service is paused: nobody serves, nobody takes over' },
  { id: 'R170', goal: 'fenced', when: holds, because: 'I gave the lease up and stay stopped' },
  { id: 'R180', goal: 'backup', when: (v) => v.lease?.holder === null, because: 'nobody holds the lease: I stay where I am and report my position' },
  { id: 'R190', goal: 'backup', when: () => true, because: 'another node holds the lease: I follow it' },
];

export interface Decision {
  rule: string;
  goal: NodeState;
  act: Act;
  because: string;
}

/** The first rule that matches. The last one always does. */
export function decide(view: View): Decision {
  const rule = rules.find(({ when }) => when(view)) as Rule;
  return { rule: rule.id, goal: rule.goal, act: rule.act ?? 'none', because: rule.because };
}
