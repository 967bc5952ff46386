// Giving acknowledged data up where that takes two people: one asks, another approves. Both are principals that AWS vouches for.

import { approvedLoss, askForLoss, type LossQuestion, openQuestions, type Person, validMs } from '../../desk/approval';
import { configOf } from '../../desk/cluster';
import { laterIso } from '../../desk/times';
import type { RequestOf } from '../client-types';
import type { Handler } from '../handle';
import { begun, namesOf } from './begin';

const signer = (who: string): Person => ({ by: who, account: who, signed: true });

export const listApprovals: Handler = async ({ desk, params: { cluster = '' } }) => {
  await configOf(desk, cluster);
  const approvals = (await openQuestions(desk, cluster)).map(
    ({ account: _, signed: _signed, epoch: _epoch, at, ...asked }) => ({
      ...{ cluster, ...asked, until: laterIso(at, validMs) },
    }),
  );
  return { status: 200, body: { approvals } };
};

export const askApproval: Handler = async ({ desk, who, params: { cluster = '' }, body }) => {
  await configOf(desk, cluster);
  const { to, force = false, reason } = body as RequestOf<'askApproval'>;
  const question: LossQuestion = { cluster, to, force, reason };
  const { id: plan, candidate, atRisk } = await askForLoss(desk, question, signer(who));
  const until = laterIso(desk.clock.wall(), validMs);
  return {
    status: 201,
    headers: { location: `/v1/clusters/${cluster}/approvals/${plan}` },
    body: { cluster, plan, candidate, atRisk, by: who, reason, force, until },
  };
};

export const approve: Handler = async ({ desk, who, params: { cluster = '', plan = '' }, headers }) => {
  await configOf(desk, cluster);
  const { key, name } = namesOf(cluster, 'failover', plan, headers['idempotency-key']);
  return begun(desk, {
    ...{ kind: 'failover', name, plan, key },
    same: ({ approvedBy }) => approvedBy !== undefined,
    input: async () => (await approvedLoss(desk, { cluster, plan, application: key }, signer(who))).input,
  });
};
