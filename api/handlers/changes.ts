// What a person changes on the lease itself: the hold, who may become main, acknowledged failovers, pause and resume. Who and why stand in the
// journal; the answer says so when they do not.

import type { Lease } from '../../core/model';
import { configOf, leaseOf, nodeIn } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import {
  acknowledgeFailovers,
  askPause,
  type Done,
  liftHold,
  resumeService,
  setPromotion,
  type Wish,
} from '../../desk/lease-change';
import { recorded } from '../../desk/record';
import type { RequestOf } from '../client-types';
import type { Answered, Call, Handler } from '../handle';
import { matching, tagOf } from '../match';

const wishOf = ({ who, params: { cluster = '' }, body }: Call): Wish => ({
  ...{ cluster, by: who },
  reason: (body as RequestOf<'pauseService'>).reason,
});

async function answered(desk: Desk, { lease, act }: Done, status: number, body: object): Promise<Answered> {
  const written = await recorded(desk, lease, act);
  return { status, body: { ...body, recorded: written.ok } };
}

const tagged = (answer: Answered, there: unknown): Answered => ({ ...answer, headers: { etag: tagOf(there) } });

// ---- the hold

const holdBody = (cluster: string, lease: Lease | null) => ({
  cluster,
  hold: lease?.hold ?? null,
  shunned: Object.entries(lease?.shunned ?? {}).map(([node, { label, epoch }]) => ({
    ...{ node, label, epoch },
    next: `mainstay recover ${cluster} ${node}`,
  })),
});

export const getHold: Handler = async ({ desk, params: { cluster = '' } }) => {
  await configOf(desk, cluster);
  const lease = await leaseOf(desk, cluster);
  return tagged({ status: 200, body: holdBody(cluster, lease) }, lease?.hold ?? null);
};

/** The hold that was looked at: a failover since then has left another one behind, which nobody has seen. */
export const clearHold: Handler = async (call) => {
  const wish = wishOf(call);
  await configOf(call.desk, wish.cluster);
  const match = matching(call, `the hold of ${wish.cluster}`);
  const seen = ({ hold }: Lease) => match(hold, hold ? `since epoch ${hold.epoch}: ${hold.reason}` : 'there is none');
  const done = await liftHold(call.desk, { ...wish, seen });
  return answered(call.desk, done, 200, holdBody(wish.cluster, done.lease));
};

// ---- who may become main

function promotionBody(cluster: string, node: string, lease: Lease | null) {
  const { by = null, reason = null, at = null } = lease?.barred[node] ?? {};
  return { cluster, node, allowed: by === null, by, reason, at };
}
const barOf = (lease: Lease | null, node: string) => lease?.barred[node] ?? null;

export const getPromotion: Handler = async ({ desk, params: { cluster = '', node = '' } }) => {
  nodeIn(await configOf(desk, cluster), node);
  const lease = await leaseOf(desk, cluster);
  return tagged({ status: 200, body: promotionBody(cluster, node, lease) }, barOf(lease, node));
};

export const putPromotion: Handler = async (call) => {
  const { desk, params, body } = call;
  const { node = '' } = params;
  const wish = wishOf(call);
  nodeIn(await configOf(desk, wish.cluster), node);
  const match = matching(call, `whether ${node} may become main`);
  const seen = (lease: Lease) => {
    const bar = barOf(lease, node);
    match(bar, bar ? `${bar.by} has barred it: ${bar.reason}` : 'it may');
  };
  const { allowed } = body as RequestOf<'putPromotion'>;
  const done = await setPromotion(desk, { ...wish, node, allowed, seen });
  const answer = await answered(desk, done, 200, promotionBody(wish.cluster, node, done.lease));
  return tagged(answer, barOf(done.lease, node));
};

// ---- automatic failovers

export const getAttempts: Handler = async ({ desk, params: { cluster = '' } }) => {
  const { failovers } = await configOf(desk, cluster);
  const attempts = (await leaseOf(desk, cluster))?.attempts ?? [];
  return tagged({ status: 200, body: { cluster, attempts, ...failovers } }, attempts);
};

/** Those that were looked at: one that came meanwhile is not acknowledged unseen. */
export const acknowledgeAttempts: Handler = async (call) => {
  const wish = wishOf(call);
  await configOf(call.desk, wish.cluster);
  const match = matching(call, `the automatic failovers of ${wish.cluster}`);
  const seen = ({ attempts }: Lease) =>
    match(attempts, `there are ${attempts.length}, the last one ${attempts.at(-1)?.operation ?? 'none'}`);
  const done = await acknowledgeFailovers(call.desk, { ...wish, seen });
  const { attempts } = done.lease;
  return answered(call.desk, done, 200, { cluster: wish.cluster, attempts, ...done.config.failovers });
};

// ---- the service

const service = ({ cluster, holder: main, phase, drain, epoch }: Lease) => ({ cluster, main, phase, drain, epoch });

export const pauseService: Handler = async (call) => {
  const done = await askPause(call.desk, wishOf(call));
  return answered(call.desk, done, 202, service(done.lease));
};

export const resumePaused: Handler = async (call) => {
  const done = await resumeService(call.desk, wishOf(call));
  return answered(call.desk, done, 202, service(done.lease));
};
