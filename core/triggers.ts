// What the world outside may tell about a cluster, and what is done about it: a first-match table over the trigger and the lease.
// Ids are spaced by ten and never reused; `because` is what the operator reads in the journal. A trigger proves nothing: whoever
// starts a failover without having watched the lease has it watched first (T9), and the claim is conditional on what was seen.
// Pure: no clock, no I/O. Which AWS event is which trigger: adapters/aws/trigger-events.ts.

import type { Lease, NodeName } from './model';

/**
 * In whose name events are published: the control plane's, or that of one cluster's nodes. IAM lets a node use no other, so its events are
 * believed about its own cluster only.
 */
export const eventSource = (cluster?: string): string => (cluster === undefined ? 'mainstay' : `mainstay.${cluster}`);

export const triggerKinds = {
  'lease-expired': 'an agent has watched a full ttl of silence',
  'engine-down': 'the main gave the lease up',
  'heartbeat-missing': 'alarm: nobody has renewed the lease',
  'system-check': 'alarm: system status check of an instance',
  'instance-check': 'alarm: instance status check',
  'volume-check': 'alarm: status check of the attached EBS volumes',
  'instance-stopping': 'an instance is stopping or shutting down',
  'instance-stopped': 'an instance is stopped',
  'instance-terminated': 'an instance is terminated',
  'spot-interruption': 'EC2 takes a spot instance back in two minutes',
  'spot-rebalance': 'a spot instance is at an elevated risk',
  'scheduled-change': 'AWS Health: a change of an instance is scheduled',
  'instance-issue': 'AWS Health: an issue of an instance',
  'told-to-people': 'an alarm that people are told of, and nothing else',
} as const;
export type TriggerKind = keyof typeof triggerKinds;

/** What an agent has watched, as it says so. */
export interface Observed {
  epoch: number;
  renewals: number;
  silentMs: number;
  seenBy: NodeName;
  attempt: number;
}

export interface Trigger {
  kind: TriggerKind;
  /** The sender's event, for the journal. */
  event: { id: string; type: string; time: string };
  /** One of the two. */
  cluster?: string;
  instanceId?: string;
  observed?: Observed;
  /** More of it in a sentence, e.g. what is scheduled and when. */
  detail?: string;
}

/** How the trigger's node stands in its cluster. */
export type Standing = 'main' | 'former' | 'shunned' | 'backup' | 'no node';

export interface Scene {
  trigger: Trigger;
  standing: Standing;
  lease: Lease | null;
  /** How old the event is, in ms: wall clocks of two machines, good enough to let an old one lie. */
  ageMs: number;
}

export type Act = 'failover' | 'switchover' | 'wake' | 'page' | 'nothing';

export interface TriggerRule {
  id: string;
  on: readonly TriggerKind[] | 'any';
  when: (scene: Scene) => boolean;
  act: Act;
  because: string;
  /** page: what the person does; CLUSTER stands for its name. */
  next?: string;
}

/**
 * An event that is older starts nothing: the agents have repeated theirs every second since, and an alarm's state is looked at again.
 * EventBridge tries for 24 h, Lambda's queue for 6 h (T67).
 */
export const tooOldMs = 10 * 60_000;

const gone = ['instance-stopped', 'instance-terminated'] as const;
const checks = ['system-check', 'instance-check', 'volume-check'] as const;
/** News that stays true however late it comes. */
const keeps: readonly TriggerKind[] = ['scheduled-change', 'instance-terminated', 'told-to-people'];

const always = () => true;
const late = ({ ageMs, trigger }: Scene) => ageMs > tooOldMs && !keeps.includes(trigger.kind);
const phaseIs =
  (...phases: Lease['phase'][]) =>
  ({ lease }: Scene) =>
    lease !== null && phases.includes(lease.phase);
const stands =
  (...standings: Standing[]) =>
  ({ standing }: Scene) =>
    standings.includes(standing);
const both =
  (one: TriggerRule['when'], two: TriggerRule['when']): TriggerRule['when'] =>
  (scene) =>
    one(scene) && two(scene);

// biome-ignore format: the table stays visible as a table
export const triggerRules: readonly TriggerRule[] = [
  { id: 'D10', on: 'any', when: late, act: 'nothing', because: 'the event is more than ten minutes old: whatever is still wrong is told again' },
  { id: 'D20', on: ['lease-expired', 'engine-down'], when: always, act: 'failover', because: 'a contender has watched the silence, or the main gave the lease up' },
  { id: 'D30', on: ['told-to-people'], when: always, act: 'nothing', because: 'people are told by the alarm itself: no operation mends this' },
  { id: 'D40', on: 'any', when: ({ lease }) => lease === null || lease.phase === 'vacant', act: 'nothing', because: 'the cluster has never had a main' },
  { id: 'D50', on: gone, when: stands('former'), act: 'wake', because: 'the instance that a failover waits for is off: the fence is looked at now' },
  { id: 'D60', on: gone, when: both(phaseIs('paused'), stands('main')), act: 'page', because: 'the main was stopped cleanly and its instance is off: nobody takes over from a clean stop', next: 'start the instance, or: mainstay failover CLUSTER --force' },
  { id: 'D70', on: 'any', when: both(phaseIs('paused'), ({ trigger }) => trigger.kind !== 'scheduled-change'), act: 'nothing', because: 'the service is paused: a clean stop or reboot makes nobody take over' },
  { id: 'D80', on: ['instance-stopping'], when: stands('main'), act: 'nothing', because: 'stopping is not stopped: its agent pauses the lease, or the backups see it fall silent' },
  { id: 'D90', on: ['instance-stopping'], when: always, act: 'nothing', because: 'stopping is not stopped: what follows is told when it has happened' },
  { id: 'D100', on: gone, when: stands('main'), act: 'failover', because: "the main's instance is off and the lease was not paused" },
  { id: 'D110', on: ['spot-interruption'], when: both(phaseIs('held'), stands('main')), act: 'switchover', because: 'EC2 takes the main\'s instance back in two minutes: the role is moved before' },
  { id: 'D120', on: ['spot-interruption'], when: stands('main'), act: 'nothing', because: 'the main does not serve yet: when its instance goes, a failover follows' },
  { id: 'D130', on: ['spot-rebalance'], when: stands('main'), act: 'page', because: "EC2 may soon take the main's spot instance back", next: 'move the role when it suits you: mainstay switch CLUSTER' },
  { id: 'D140', on: checks, when: stands('main'), act: 'failover', because: "the main's instance is ill: if the main is silent as well, somebody takes over" },
  { id: 'D150', on: ['heartbeat-missing'], when: always, act: 'failover', because: 'nobody has renewed the lease for minutes: it is watched, and taken over if it stays silent' },
  { id: 'D160', on: ['scheduled-change'], when: stands('main'), act: 'page', because: "AWS has scheduled a change of the main's instance", next: 'move the role before: mainstay switch CLUSTER' },
  { id: 'D170', on: ['instance-issue'], when: stands('main'), act: 'page', because: "AWS tells of an issue of the main's instance, and the main renews or was replaced by the faster roads", next: 'look how it serves; move the role if it does not: mainstay switch CLUSTER' },
  { id: 'D180', on: 'any', when: stands('shunned', 'former'), act: 'nothing', because: 'the node is kept out: its instance may be off' },
  { id: 'D190', on: ['scheduled-change'], when: stands('backup'), act: 'page', because: "AWS has scheduled a change of a backup's instance", next: 'see that another backup can take over while it lasts: mainstay status CLUSTER' },
  { id: 'D200', on: [...gone, 'spot-interruption'], when: stands('backup'), act: 'page', because: 'a backup is lost: a failover has one candidate fewer', next: 'start its instance, or replace it: mainstay status CLUSTER' },
  { id: 'D210', on: [...checks, 'instance-issue', 'spot-rebalance'], when: stands('backup'), act: 'page', because: "a backup's instance is ill or at risk", next: 'look at the instance: mainstay status CLUSTER' },
  { id: 'D220', on: 'any', when: always, act: 'nothing', because: 'it concerns no node of the cluster as it is configured now' },
];

export interface Decision {
  rule: string;
  act: Act;
  because: string;
  next?: string;
}

/** The first rule that matches. The last one always does. */
export function decideTrigger(scene: Scene): Decision {
  const { kind, detail } = scene.trigger;
  const rule = triggerRules.find(({ on, when }) => (on === 'any' || on.includes(kind)) && when(scene)) as TriggerRule;
  const { id, act, because, next } = rule;
  return { rule: id, act, because: detail ? `${because} (${detail})` : because, ...(next ? { next } : {}) };
}

/** The lease says who is what; a node that it does not name is a backup. */
export function standingOf(lease: Lease | null, node: NodeName | null): Standing {
  if (node === null) return 'no node';
  if (lease?.holder === node) return 'main';
  if (lease?.phase === 'claimed' && lease.former === node) return 'former';
  return lease?.shunned[node] ? 'shunned' : 'backup';
}

/**
 * The name of the execution: the same for every trigger of one failure, twice or late (T49, T67). Whoever has watched names what was
 * watched; for the others it is the epoch and the event's minute, so that a main that goes on renewing does not make new names.
 */
export function executionName(
  act: 'failover' | 'switchover',
  cluster: string,
  trigger: Trigger,
  epoch: number,
): string {
  const { observed, event } = trigger;
  if (observed) return `${cluster}-${act}-e${observed.epoch}-r${observed.renewals}-${observed.attempt}`;
  return `${cluster}-${act}-e${epoch}-m${event.time.slice(0, 16).replace(/\D/g, '')}`;
}

// ---- names of alarms, which say whom they concern

/** Of a cluster or of a node, and what they trigger; every other alarm is for people. */
export const alarmTriggers = {
  'no-main': 'heartbeat-missing',
  'system-check': 'system-check',
  'instance-check': 'instance-check',
  'volume-check': 'volume-check',
} as const satisfies Record<string, TriggerKind>;

/** `<stack>/<cluster>/<node>/<what>`, without the node, or without both. */
export const alarmName = (stack: string, what: string, cluster?: string, node?: NodeName): string =>
  [stack, cluster, node, what].filter((part) => part !== undefined).join('/');

export function readAlarmName(name: string): { cluster?: string; node?: NodeName; what: string } {
  const [, ...parts] = name.split('/');
  const what = parts.pop() ?? '';
  const [cluster, node] = parts;
  return { ...(cluster ? { cluster } : {}), ...(node ? { node } : {}), what };
}
