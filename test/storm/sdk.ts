// What the AWS SDK does by itself when it is throttled, in virtual time: standard mode, four attempts, exponential backoff with
// full jitter from 500 ms up to 20 s.

import { isThrottled } from '../../core/fleet';
import type { Clock, Outside } from '../../core/ports';
import type { Random } from '../sim/random';

const attempts = 4;

/** The same port behind the SDK's own retries; every method answers a Result. */
export function throughSdk<Port extends object>(port: Port, clock: Clock, random: Random): Port {
  const methods = Object.entries(port).map(([name, run]) => [
    name,
    async (...args: unknown[]): Outside<unknown> => {
      for (let tried = 1; ; tried++) {
        const answer = await (run as (...args: unknown[]) => Outside<unknown>)(...args);
        if (answer.ok || tried === attempts || !isThrottled(answer.error)) return answer;
        await clock.sleep(Math.min(20_000, random.next() * 500 * 2 ** tried));
      }
    },
  ]);
  return Object.fromEntries(methods) as Port;
}
