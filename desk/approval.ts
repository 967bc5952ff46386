// Giving acknowledged data up with two people's yes (`acceptLoss: second-person`): the first asks, the question stands in the journal, bound
// to the state by a plan's id; the second starts exactly that plan, or is refused because the state has changed (T54). Starts nothing itself.

import type { JournalEntry } from '../core/ports';
import { applied } from './apply';
import { configOf, seatedLease } from './cluster';
import type { Desk } from './desk';
import type { OperationInput } from './operations';
import { type OperationPlan, planOf } from './plan';
import { failure, must } from './problems';
import { recorded } from './record';
import { betweenMs } from './times';

/** Beside the name that was given: one person with two names is not two people. */
export interface Person {
  by: string;
  /** The user of the operating system, or the principal that signed. */
  account: string;
  /** AWS vouches for the account. */
  signed: boolean;
}

const askedRule = 'accept-loss-asked';
/** A question that is older than this has been overtaken. */
export const validMs = 3_600_000;
const recentEntries = 500;

export interface LossQuestion {
  cluster: string;
  to?: string | undefined;
  force: boolean;
  reason: string;
}

/** The plan that a second person may approve; asked again, its hour begins anew. */
export async function askForLoss(desk: Desk, question: LossQuestion, asker: Person): Promise<OperationPlan> {
  const { cluster, to, force, reason } = question;
  if (reason.trim() === '')
    throw failure('Usage', 'loss is accepted with a reason', 'add --reason TEXT: the second person will read it');
  const plan = await planOf(desk, { cluster, kind: 'failover', to, force, acceptLoss: true });
  if (plan.candidate === null)
    throw failure(
      'NoCandidate',
      `nobody of ${cluster} could take over, loss or not`,
      `mainstay failover ${cluster} --dry-run`,
    );
  const lease = await seatedLease(desk, cluster);
  const { by, account: user, signed } = asker;
  const { id, candidate, atRisk } = plan;
  const details = { plan: id, by, user, signed, reason, force, candidate, atRisk };
  const because = `asks to fail over to ${candidate} and to lose ${atRisk}: ${reason}`;
  // Not best effort here: without the entry nobody can approve.
  must(await recorded(desk, lease, { by, rule: askedRule, because, details }));
  return plan;
}

/** Who asked and why, as it stands in the journal. */
export interface AskedForLoss {
  plan: string;
  by: string;
  account: string;
  signed: boolean;
  reason: string;
  force: boolean;
  candidate: string;
  atRisk: string;
  /** ISO. */
  at: string;
  epoch: number;
}

function askedIn({ at, epoch, details = {} }: JournalEntry): AskedForLoss {
  const text = (key: string): string => String(details[key] ?? '');
  return {
    ...{ plan: text('plan'), by: text('by'), account: text('user'), reason: text('reason') },
    ...{ candidate: text('candidate'), atRisk: text('atRisk'), at, epoch },
    signed: details.signed === true,
    force: details.force === true,
  };
}

const questionsOf = async (desk: Desk, cluster: string): Promise<AskedForLoss[]> =>
  must(await desk.journal.list(cluster, { limit: recentEntries }))
    .filter(({ rule }) => rule === askedRule)
    .map(askedIn);

const isOver = (desk: Desk, { at }: AskedForLoss): boolean => betweenMs(at, desk.clock.wall()) > validMs;

/** What may still be approved, newest first: a plan that was carried out has left its epoch behind. */
export async function openQuestions(desk: Desk, cluster: string): Promise<AskedForLoss[]> {
  const { epoch } = await seatedLease(desk, cluster);
  const open = (await questionsOf(desk, cluster)).filter((asked) => asked.epoch === epoch && !isOver(desk, asked));
  return open.filter(({ plan }, index) => !open.slice(index + 1).some((later) => later.plan === plan)).reverse();
}

/** The input of the failover that starts with this yes, and its name. */
export async function approvedLoss(
  desk: Desk,
  { cluster, plan, application }: { cluster: string; plan: string; application: string },
  approver: Person,
): Promise<{ name: string; input: OperationInput }> {
  await configOf(desk, cluster);
  const { by, force, reason } = await questionFor(desk, cluster, plan, approver);
  const input: OperationInput = {
    cluster,
    by,
    approvedBy: approver.by,
    acceptLoss: true,
    ...(reason === '' ? {} : { reason }),
    ...(force ? { force } : {}),
  };
  return applied(desk, { cluster, kind: 'failover', acceptLoss: true, force }, input, { id: plan, application });
}

const isSame = (asked: AskedForLoss, { by, account }: Person): boolean => asked.by === by || asked.account === account;

async function questionFor(desk: Desk, cluster: string, plan: string, approver: Person): Promise<AskedForLoss> {
  const all = (await questionsOf(desk, cluster)).filter((asked) => asked.plan === plan);
  // Two who have asked for the same may each approve the other's.
  const asked = all.findLast((one) => !isSame(one, approver)) ?? all.at(-1);
  const next = `mainstay failover ${cluster} --accept-loss`;
  if (!asked) throw failure('NotApproved', `nobody has asked for plan ${plan}`, `the first person asks: ${next}`);
  if (isSame(asked, approver)) throw oneAndTheSame(asked, approver);
  if (asked.signed !== approver.signed)
    throw failure(
      'NotApproved',
      `plan ${plan} was asked for ${asked.signed ? 'by a signed request' : 'by the command'}, and the name of a user cannot be compared with that of a principal`,
      asked.signed ? 'approve it by a signed request' : `approve it with: mainstay approve ${cluster} ${plan}`,
    );
  if (isOver(desk, asked))
    throw failure(
      'NotApproved',
      `plan ${plan} was asked for at ${asked.at}, more than an hour ago`,
      `ask anew: ${next}`,
    );
  return asked;
}

const oneAndTheSame = ({ by, plan }: AskedForLoss, approver: Person) =>
  failure(
    'NotApproved',
    `${by} has asked for plan ${plan} and cannot approve it${by === approver.by ? '' : `: ${approver.by} is the same user of the system, ${approver.account}`}`,
    'let another person approve, from an account of their own',
  );
