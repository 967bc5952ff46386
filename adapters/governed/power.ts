// Power under the account's quotas (T66): looks and cuts are made together, starts take turns, for EC2 allows two a second. A cut that
// waited may come for a node that is back; its wish ends with its owner's patience (T57). Proves nothing: only `state` does (T11).

import type { OutsideProblem } from '../../core/errors';
import { type Importance, isThrottled } from '../../core/fleet';
import type { Cut, Outside, PerInstance, Power, PowerState } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { broken } from '../problems';
import type { Governor } from './governor';
import { type Batch, inGroup, plain } from './group';

/** StopInstances takes 50 ids in one call; DescribeInstances many, and its answer grows with them. */
const most = { stop: 50, describe: 100 };

type Answer<T> = Result<T, OutsideProblem>;

/** An answer per body. A quota concerns all of a call: then it was made for nobody. */
function perBody<T>(ids: readonly string[], found: Awaited<Outside<PerInstance<T>>>): Awaited<Outside<Answer<T>[]>> {
  if (!found.ok) return found;
  const answers = ids.map((id) => found.value.get(id) ?? fail(broken(`nothing is said of ${id}`, 'ask again')));
  const throttled = answers.find((answer) => !answer.ok && isThrottled(answer.error));
  return throttled && !throttled.ok
    ? throttled
    : ok(answers.map((answer) => (answer.ok ? answer : fail(plain(answer.error)))));
}

/**
 * A partition of the table takes 1,000 writes a second, and a look costs 3: a thousand clusters that look once a second and are served
 * every third second need one lane, and four serve each of them every second.
 */
const lanesOfLooks = 4;
const laneOf = (id: string): number => [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % lanesOfLooks;

export function governedPower(governor: Governor, power: Power): Power {
  const looks = (id: string): Batch<string, Answer<PowerState>> => ({
    api: 'ec2:DescribeInstances',
    lane: `ec2:DescribeInstances#${laneOf(id)}`,
    most: most.describe,
    atOnce: 2,
    call: async (ids) => perBody(ids, await power.states(ids)),
  });
  const cuts: Batch<string, Answer<Cut>> = {
    api: 'ec2:StopInstances',
    lane: 'ec2:StopInstances',
    most: most.stop,
    atOnce: 5,
    call: async (ids) => perBody(ids, await power.cut(ids)),
  };
  const one = async <T>(batch: Batch<string, Answer<T>>, id: string, importance: Importance): Outside<T> => {
    const answer = await inGroup(governor, batch, importance, id);
    return answer.ok ? answer.value : answer;
  };
  const each = async <T>(batch: Batch<string, Answer<T>>, ids: readonly string[], importance: Importance) => {
    const answers = await Promise.all(ids.map(async (id) => [id, await one(batch, id, importance)] as const));
    return ok(new Map(answers));
  };
  return {
    state: (id, importance = 'normal') => one(looks(id), id, importance),
    // The sweep's: many at once as it is, and nobody waits for it.
    states: (ids) => governor.turn('ec2:DescribeInstances', 'low', () => power.states(ids)),
    cut: (ids, importance = 'normal') => each(cuts, ids, importance),
    start: (id, importance = 'normal') => governor.turn('ec2:StartInstances', importance, () => power.start(id)),
  };
}
