// What it means when somebody asks a node itself to become MAIN or BACKUP (seed 000's contract): the real operation that answers it,
// or why there is none. The agent judges and announces; dispatch turns the announcement into an execution, whose own first step has
// the last word. Pure.

import type { Problem } from './errors';
import type { Lease, NodeName } from './model';

export const roles = ['MAIN', 'BACKUP'] as const;
export type Role = (typeof roles)[number];

/** What the node knows when it is asked. */
export interface Asked {
  cluster: string;
  me: NodeName;
  change: Role;
  /** What it is right now, for a client. */
  role: Role;
  lease: Lease | null;
  /** How long the lease has been silent, and how long it must be before anybody may claim it, in ms (L3). */
  silentMs: number;
  waitMs: number;
}

export type ChangeKind = 'switchover' | 'failover';

export type Verdict =
  | { how: 'already'; because: string }
  /** `to`: null lets the operation choose. */
  | { how: 'begin'; kind: ChangeKind; to: NodeName | null; because: string }
  | { how: 'refused'; problem: Problem<'Busy' | 'NotServing' | 'Vacant' | 'NotShunned' | 'Unreachable'> };

const refused = (
  code: 'Busy' | 'NotServing' | 'Vacant' | 'NotShunned' | 'Unreachable',
  message: string,
  next: string,
): Verdict => ({
  how: 'refused',
  problem: { code, message, next },
});

export function judgeChange(asked: Asked): Verdict {
  const { change, role, me, lease } = asked;
  const becoming = lease?.phase === 'granted' && lease.holder === me;
  if (change === role && !(change === 'BACKUP' && becoming))
    return { how: 'already', because: `${me} is ${role} already` };
  if (lease === null)
    return refused('Unreachable', `${me} has not read the lease since it was started`, 'try again in a moment');
  if (change === 'MAIN' && becoming) return { how: 'already', because: `${me} is becoming MAIN` };
  if (lease.operation !== null) {
    const { kind, id, by } = lease.operation;
    return refused(
      'Busy',
      `${kind} ${id} by ${by} is running`,
      `wait for it: mainstay history ${lease.cluster} --operation ${id}`,
    );
  }
  return change === 'MAIN' ? judgeMain(asked, lease) : judgeBackup(asked, lease);
}

function judgeMain({ me, silentMs, waitMs }: Asked, lease: Lease): Verdict {
  const { cluster, phase, holder } = lease;
  const shun = lease.shunned[me];
  if (shun) return refused('NotShunned', `${me} is shunned (${shun.label})`, `mainstay recover ${cluster} ${me}`);
  if (phase === 'vacant')
    return refused('Vacant', `cluster ${cluster} has never had a main`, `mainstay start ${cluster} --node ${me}`);
  if (phase === 'paused')
    return refused(
      'NotServing',
      `${cluster} was stopped cleanly by its ${lease.pausedBy}`,
      `mainstay resume ${cluster}`,
    );
  if (phase === 'claimed')
    return refused(
      'NotServing',
      `${cluster} lost its main ${lease.former ?? ''}, and nobody could take over`,
      `mainstay start ${cluster} --node ${me} --yes, when the former main is seen to be stopped`,
    );
  if (holder === me)
    return refused('NotServing', `${me} holds the lease and does not serve`, `see why: mainstay status ${cluster}`);
  if (phase === 'abdicated' || silentMs >= waitMs)
    return { how: 'begin', kind: 'failover', to: me, because: `${holder ?? 'the main'} is lost: it is fenced first` };
  return { how: 'begin', kind: 'switchover', to: me, because: `${holder ?? 'the main'} hands over, no write is lost` };
}

function judgeBackup({ me }: Asked, { cluster, phase }: Lease): Verdict {
  if (phase !== 'held')
    return refused('Busy', `${me} is just becoming MAIN`, `wait until it is: mainstay status ${cluster}`);
  return { how: 'begin', kind: 'switchover', to: null, because: `${me} hands over to the best backup` };
}

/** The detail of the event `Change Requested`. */
export interface ChangeRequested {
  cluster: string;
  /** Of the lease when it was asked: the receiver refuses an older one (L5, T57). */
  epoch: number;
  /** The node that was asked. */
  node: NodeName;
  change: Role;
  kind: ChangeKind;
  to: NodeName | null;
  by: string;
  /** The same for every delivery of one request (T67). */
  request: string;
}

/** Name that is the same for every delivery of one request: any number of them gives one execution. */
export const changeName = ({ cluster, kind, epoch, request }: ChangeRequested): string =>
  `${cluster}-${kind}-e${epoch}-${request.replace(/[^A-Za-z0-9]/g, '').slice(-12)}`;

/** The execution that answers a request: its kind, its name and its input. */
export function changeExecution(detail: ChangeRequested) {
  const { cluster, kind, to, by, node, change, epoch } = detail;
  const name = changeName(detail);
  const input = {
    cluster,
    by,
    reason: `${node} was asked to become ${change} at epoch ${epoch}`,
    // At another epoch the request is refused: what was asked for then may be wrong now.
    plan: { id: name, epoch },
    ...(to === null ? {} : { to }),
  };
  return { kind, name, input };
}
