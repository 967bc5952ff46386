// One call to AWS for many executions (T66). While AWS refuses nobody, each makes its own call and this costs nothing. Once it did, an
// execution leaves its wish in a queue in the table; whichever has the lane's short lease makes one call for all wishes that wait there
// and writes each its answer. Two leaders at once cost a call and harm nothing: calls are idempotent or compare-and-swap.
// Must never answer for a call that was not made, and never carry out a wish that its owner has given up.
//
//   a  refused ── wish ── leads ── waits its turn ── one call for a, b, c ── answers b, c ── done
//   b  refused ───── wish ── reads its wish ······························ answered
//   c  ─────────────── wish ── reads its wish ···························· answered

import type { OutsideProblem } from '../../core/errors';
import { type Api, type Importance, isThrottled, type Wish, wishId } from '../../core/fleet';
import type { Outside } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { type Governor, notYourTurn } from './governor';

export interface Batch<Body, Answer> {
  api: Api;
  /** What one call can be made for: the API, or the API and a zone. */
  lane: string;
  /** So many bodies fit one call. */
  most: number;
  /** So many calls may be under way at once; 1 where AWS takes one after the other. */
  atOnce: number;
  /** One call; an answer for each body, in order. Refused or Broken as a whole when one of them is. */
  call(bodies: readonly Body[]): Outside<Answer[]>;
}

/** Leads that long without saying so again, in ms: what a leader that dies costs everybody. */
const leadMs = 5000;
/** Between two looks at one's own wish, at most, in ms. */
const lookMs = 500;

type Answered<Answer> = Result<Answer, OutsideProblem>;

/** This body's answer, through a call of its own or somebody's call for many. */
export async function inGroup<Body, Answer>(
  governor: Governor,
  batch: Batch<Body, Answer>,
  importance: Importance,
  body: Body,
): Outside<Answer> {
  const alone = async (): Outside<Answer> => {
    const answers = await batch.call([body]);
    return answers.ok ? ok(answers.value[0] as Answer) : answers;
  };
  if (!(await governor.stormy(batch.api))) {
    const direct = await alone();
    if (direct.ok || !isThrottled(direct.error)) return direct;
    await governor.noted(batch.api, direct.error.details?.error);
  }
  const { fleet, clock, ids, patienceMs } = governor;
  const unique = ids.next();
  const id = wishId(importance, clock.wall(), unique);
  const put = await fleet.put(batch.lane, { id, body, untilMs: governor.nowMs() + patienceMs, answer: null });
  if (!put.ok) return alone();
  const answer = await waitFor<Body, Answer>(governor, batch, { id, unique });
  await fleet.remove(batch.lane, id);
  return answer;
}

async function waitFor<Body, Answer>(
  governor: Governor,
  batch: Batch<Body, Answer>,
  { id, unique }: { id: string; unique: string },
): Outside<Answer> {
  const { fleet, clock, patienceMs } = governor;
  const endMs = clock.nowMs() + patienceMs;
  let leads = false;
  for (;;) {
    const mine = await fleet.get(batch.lane, id);
    const answered = mine.ok && mine.value?.answer != null;
    if (answered || clock.nowMs() >= endMs) {
      if (leads) await fleet.leave(batch.lane, unique);
      return answered ? (mine.value?.answer as Answered<Answer>) : fail(notYourTurn(batch.api));
    }
    const lead = await fleet.lead(batch.lane, unique, governor.nowMs(), governor.nowMs() + leadMs);
    leads = lead.ok && lead.value;
    if (leads) await round(governor, batch);
    else await clock.sleep(governor.spread(lookMs));
  }
}

/** Calls for everybody who waits: one, or as many side by side as there are wishes and turns. */
async function round<Body, Answer>(governor: Governor, batch: Batch<Body, Answer>): Promise<void> {
  const waiting = await governor.fleet.waiting(batch.lane, batch.most * batch.atOnce);
  if (!waiting.ok || batch.atOnce === 1 || waiting.value.length <= batch.most) return oneCall(governor, batch);
  const parts: Wish[][] = [];
  for (let from = 0; from < waiting.value.length; from += batch.most)
    parts.push(waiting.value.slice(from, from + batch.most));
  await Promise.all(parts.map((part) => oneCall(governor, batch, part)));
}

/** For these, or for those who wait when its turn has come: while it waits, more may come. */
async function oneCall<Body, Answer>(
  governor: Governor,
  batch: Batch<Body, Answer>,
  part: readonly Wish[] | null = null,
): Promise<void> {
  let wishes: Wish[] = [];
  const call = async (): Outside<Answer[]> => {
    const waiting = part === null ? await governor.fleet.waiting(batch.lane, batch.most) : ok([...part]);
    if (!waiting.ok) return waiting;
    wishes = await withoutLate(governor, batch.lane, waiting.value);
    return wishes.length === 0 ? ok([]) : batch.call(bodiesOf<Body>(wishes));
  };
  const answers = await governor.turn(batch.api, 'high', call, true);
  await settle(governor, batch, wishes, answers);
}

/** T57: an owner that has given up may have decided anew, and one that has died does not clear up. */
async function withoutLate({ fleet, nowMs }: Governor, lane: string, wishes: readonly Wish[]): Promise<Wish[]> {
  const late = wishes.filter(({ untilMs }) => untilMs <= nowMs());
  await Promise.all(late.map(({ id }) => fleet.remove(lane, id)));
  return wishes.filter((wish) => !late.includes(wish));
}

const bodiesOf = <Body>(wishes: readonly Wish[]): Body[] => wishes.map(({ body }) => body as Body);

async function settle<Body, Answer>(
  governor: Governor,
  batch: Batch<Body, Answer>,
  wishes: readonly Wish[],
  answers: Answered<Answer[]>,
): Promise<void> {
  if (answers.ok) return tell(governor, batch.lane, wishes, (at) => ok(answers.value[at] as Answer));
  // Their turn comes again in the next round.
  if (isThrottled(answers.error)) return;
  if (answers.error.code === 'Unreachable' || wishes.length === 1)
    return tell(governor, batch.lane, wishes, () => fail(plain(answers.error)));
  await halve(governor, batch, wishes);
}

/** All or nothing, and one of them is the reason: it is to lose alone. Those whom another leader has answered are left out first. */
async function halve<Body, Answer>(
  governor: Governor,
  batch: Batch<Body, Answer>,
  wishes: readonly Wish[],
): Promise<void> {
  const open = await governor.fleet.waiting(batch.lane, Number.POSITIVE_INFINITY);
  if (!open.ok) return;
  const left = wishes.filter(({ id }) => open.value.some((wish) => wish.id === id));
  const middle = Math.ceil(left.length / 2);
  for (const half of [left.slice(0, middle), left.slice(middle)]) {
    if (half.length === 0) continue;
    const answers = await governor.turn(batch.api, 'high', () => batch.call(bodiesOf<Body>(half)), true);
    await settle(governor, batch, half, answers);
  }
}

async function tell<Answer>(
  { fleet }: Governor,
  lane: string,
  wishes: readonly Wish[],
  answerOf: (at: number) => Answered<Answer>,
): Promise<void> {
  await Promise.all(wishes.map(({ id }, at) => fleet.answer(lane, id, answerOf(at))));
}

/** As it can be stored: what the SDK threw stays here. */
export const plain = ({ cause: _cause, ...problem }: OutsideProblem): OutsideProblem => problem;
