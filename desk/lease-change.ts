// What a person does to the lease directly, from the command line as from the REST API: lift the hold, bar a node, acknowledge failovers,
// pause, resume. Each is one transition of the table by compare-and-swap, and the entry about it for the journal, which the caller writes.
// Must never write the lease past the table of the workflows.

import type { ChangeRequest } from '../core/clauses';
import type { TransitionName } from '../core/lease';
import type { ClusterConfig, Lease, NodeName } from '../core/model';
import { changeLease, type Ports } from '../workflows/step';
import { readOnly } from './check';
import { abandonedOn, configOf, nodeIn, seatedLease } from './cluster';
import type { Desk } from './desk';
import { failure, must } from './problems';
import type { ActOfAPerson } from './record';

/** The lease after the transition; ends the command when the table refuses it. `requestFor` is asked before each try, and may refuse. */
export async function changedLease(
  desk: Desk,
  config: ClusterConfig,
  name: TransitionName,
  requestFor: (lease: Lease) => ChangeRequest,
): Promise<Lease> {
  const ports: Ports = { ...readOnly(desk), leases: desk.leases };
  return must(await changeLease({ ports, config }, name, requestFor));
}

export interface Wish {
  cluster: string;
  by: string;
  reason: string;
  /** Refuses (throws) when this is not what the person has seen: called with what is about to be replaced, at each try. */
  seen?: (lease: Lease) => void;
}

export interface Done {
  config: ClusterConfig;
  lease: Lease;
  /** For the journal. */
  act: ActOfAPerson;
}

interface Change {
  name: TransitionName;
  request: ChangeRequest;
  because: (lease: Lease) => string;
}

/** Of a cluster that has or had a main; before that there is nothing to change. */
async function carriedOut(desk: Desk, config: ClusterConfig, wish: Wish, change: Change): Promise<Done> {
  const { name, request, because } = change;
  await seatedLease(desk, config.name);
  const lease = await changedLease(desk, config, name, (now) => {
    wish.seen?.(now);
    return request;
  });
  return { config, lease, act: { by: wish.by, rule: name, because: because(lease) } };
}

/** A shunned node stays out all the same, until it is recovered. */
export const liftHold = async (desk: Desk, wish: Wish): Promise<Done> =>
  carriedOut(desk, await configOf(desk, wish.cluster), wish, {
    name: 'unhold',
    request: {},
    because: ({ shunned }) => `hold lifted: ${wish.reason}${stillOut(Object.keys(shunned))}`,
  });

export const stillOut = (shunned: readonly NodeName[]): string =>
  shunned.length > 0 ? `; still shunned: ${shunned.join(', ')}` : '';

/** Whether this node may become main, by hand or by itself. */
export async function setPromotion(desk: Desk, wish: Wish & { node: NodeName; allowed: boolean }): Promise<Done> {
  const { node, allowed, by, reason } = wish;
  const config = await configOf(desk, wish.cluster);
  nodeIn(config, node);
  return carriedOut(desk, config, wish, {
    name: allowed ? 'unbar' : 'bar',
    request: { node, bar: { by, reason, at: desk.clock.wall() } },
    because: () => `${node} ${allowed ? 'may become main again' : 'is not to become main'}: ${reason}`,
  });
}

/** The automatic failovers until now count no more against the day's maximum. */
export const acknowledgeFailovers = async (desk: Desk, wish: Wish): Promise<Done> =>
  carriedOut(desk, await configOf(desk, wish.cluster), wish, {
    name: 'acknowledge',
    request: {},
    because: () => `automatic failovers acknowledged: ${wish.reason}`,
  });

const why = (reason: string): string => (reason.trim() === '' ? '' : `: ${reason}`);

/** Asks the main to stop cleanly; it does so by itself, and is `paused` then. */
export async function askPause(desk: Desk, wish: Wish): Promise<Done> {
  const config = await configOf(desk, wish.cluster);
  const { phase, pausedBy, drain, ...lease } = await seatedLease(desk, config.name);
  if (phase === 'paused')
    throw failure('LeaseRefused', `${config.name} is paused already, by ${pausedBy}`, `mainstay resume ${config.name}`);
  if (drain === 'pause')
    throw failure(
      'LeaseRefused',
      `${config.name} is being paused already: ${lease.holder} has been asked to stop`,
      `see: mainstay status ${config.name}`,
    );
  const abandoned = await abandonedOn(desk, { phase, pausedBy, drain, ...lease });
  return carriedOut(desk, config, wish, {
    name: 'askPause',
    request: abandoned ? { abandoned } : {},
    because: ({ holder }) => `${holder} is asked to stop cleanly${why(wish.reason)}`,
  });
}

/** The node that was main when a person paused the service may be main again. */
export async function resumeService(desk: Desk, wish: Wish): Promise<Done> {
  const config = await configOf(desk, wish.cluster);
  const paused = await seatedLease(desk, config.name);
  judgePaused(paused);
  const abandoned = await abandonedOn(desk, paused);
  const node = paused.holder ?? '';
  return carriedOut(desk, config, wish, {
    name: 'resume',
    request: { node, ...(abandoned ? { abandoned } : {}) },
    because: ({ epoch }) => `${node} may be main again at epoch ${epoch}${why(wish.reason)}`,
  });
}

/** A node that was stopped with its host resumes by itself; granting to it while it is down would call a failover. */
function judgePaused({ cluster, phase, pausedBy, holder, drain }: Lease): void {
  if (phase !== 'paused') {
    const state = drain === 'pause' ? 'is being paused' : `is not paused: its lease is ${phase}`;
    throw failure('NotPaused', `${cluster} ${state}`, `see: mainstay status ${cluster}`);
  }
  if (pausedBy === 'stop')
    throw failure(
      'NotPaused',
      `${holder} was stopped with its agent and becomes main by itself when the agent is back`,
      `start the agent on ${holder}; if that is impossible: mainstay failover ${cluster} --force`,
    );
}
