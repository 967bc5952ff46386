// What happens to a request on its way to a service and back: latency, loss of either half, throttling, a retry of the SDK
// that arrives twice, and a request that takes effect long after its sender gave up. Drawn from the seed, counted by name.

import type { VirtualClock } from '../../adapters/memory/clock';
import { unreachable } from '../../adapters/problems';
import { fail } from '../../core/result';
import type { Random } from './random';

export const callFaults = {
  'request lost': 'it never happened, and the sender cannot tell',
  'reply lost': 'it happened, and the sender cannot tell (T3)',
  throttled: 'the service refuses for now',
  'sent twice': 'the reply is lost, the SDK sends again, the second answer counts (T3)',
  'arrives late': 'the sender gives up, and it happens afterwards',
  slow: 'it takes nearly as long as the sender waits',
} as const;
export type CallFault = keyof typeof callFaults;

export interface Conditions {
  clock: VirtualClock;
  random: Random;
  /** How long the sender waits, in ms. */
  timeoutMs: number;
  /** Chance that one call goes wrong. */
  trouble: () => number;
  /** Whether requests arrive, and whether answers come back. */
  path: () => { there: boolean; back: boolean };
  struck: (fault: CallFault, call: string) => void;
}

type Method = (...args: unknown[]) => Promise<unknown>;

const names = Object.keys(callFaults) as CallFault[];
const noAnswer = (call: string) =>
  fail(unreachable(`${call}: no answer`, 'read before trying again: it may have happened'));

/** The same port over such a network. Every method of `port` must answer a Result. */
export function overNetwork<Port extends object>(name: string, port: Port, conditions: Conditions): Port {
  const methods = Object.entries(port).map(([method, run]) => [
    method,
    (...args: unknown[]) => travel(`${name}.${method}`, () => (run as Method)(...args), conditions),
  ]);
  return Object.fromEntries(methods) as Port;
}

async function travel(call: string, run: () => Promise<unknown>, conditions: Conditions): Promise<unknown> {
  const { clock, random, timeoutMs, trouble, path, struck } = conditions;
  await clock.sleep(random.between(1, 8));
  const { there, back } = path();
  if (!there || !back) {
    if (there) await run();
    await clock.sleep(timeoutMs);
    return noAnswer(call);
  }
  if (!random.chance(trouble())) {
    const answer = await run();
    await clock.sleep(random.between(1, 8));
    return answer;
  }
  const fault = random.pick(names);
  struck(fault, call);
  return outcomes[fault](call, run, conditions);
}

type Outcome = (call: string, run: () => Promise<unknown>, conditions: Conditions) => Promise<unknown>;

const outcomes: Record<CallFault, Outcome> = {
  'request lost': async (call, _, { clock, timeoutMs }) => {
    await clock.sleep(timeoutMs);
    return noAnswer(call);
  },
  'reply lost': async (call, run, { clock, timeoutMs }) => {
    await run();
    await clock.sleep(timeoutMs);
    return noAnswer(call);
  },
  throttled: async (call) => fail(unreachable(`${call}: ThrottlingException: rate exceeded`, 'try again later')),
  'sent twice': async (_, run, { clock, random, timeoutMs }) => {
    await run();
    await clock.sleep(random.between(1, timeoutMs / 2));
    return run();
  },
  'arrives late': async (call, run, { clock, random, timeoutMs }) => {
    void clock.sleep(timeoutMs + random.between(0, 10_000)).then(run);
    await clock.sleep(timeoutMs);
    return noAnswer(call);
  },
  slow: async (_, run, { clock, random, timeoutMs }) => {
    const beforeMs = random.between(0, timeoutMs * 0.9);
    await clock.sleep(beforeMs);
    const answer = await run();
    await clock.sleep(timeoutMs * 0.9 - beforeMs);
    return answer;
  },
};
