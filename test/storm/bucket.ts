// AWS's token buckets in virtual time, and a count of what was called and refused per API. A refused call takes no token.

import { unreachable } from '../../adapters/problems';
import type { Clock, Outside } from '../../core/ports';
import { fail } from '../../core/result';

export interface BucketSize {
  burst: number;
  perSecond: number;
}

export interface Bucket {
  /** False: not that many are there, and none was taken. */
  take(tokens?: number): boolean;
  has(tokens: number): boolean;
}

export function createBucket(clock: Pick<Clock, 'nowMs'>, { burst, perSecond }: BucketSize): Bucket {
  let tokens = burst;
  let atMs = clock.nowMs();
  const refill = () => {
    tokens = Math.min(burst, tokens + ((clock.nowMs() - atMs) * perSecond) / 1000);
    atMs = clock.nowMs();
  };
  const has = (wanted: number) => {
    refill();
    // Twenty refills of a twentieth make one, whatever floating point says.
    return tokens + 1e-6 >= wanted;
  };
  return {
    has,
    take: (wanted = 1) => {
      if (!has(wanted)) return false;
      tokens -= wanted;
      return true;
    },
  };
}

export interface Counted {
  made: number;
  throttled: number;
  /** Most bodies (instances, records …) that one call carried. */
  most: number;
}

/** Calls per API. */
export class Ledger {
  readonly apis = new Map<string, Counted>();

  of(api: string): Counted {
    const counted = this.apis.get(api) ?? { made: 0, throttled: 0, most: 0 };
    this.apis.set(api, counted);
    return counted;
  }

  /** One call that takes its tokens from all of these buckets or from none. */
  async call<T>(
    api: string,
    { from, error, bodies = 1 }: { from: readonly [Bucket, number][]; error: string; bodies?: number },
    run: () => Outside<T>,
  ): Outside<T> {
    const counted = this.of(api);
    counted.made += 1;
    counted.most = Math.max(counted.most, bodies);
    if (from.every(([bucket, tokens]) => bucket.has(tokens))) {
      for (const [bucket, tokens] of from) bucket.take(tokens);
      return run();
    }
    counted.throttled += 1;
    return fail(unreachable(`${api}: ${error}: rate exceeded`, 'try again later', { error }));
  }
}
