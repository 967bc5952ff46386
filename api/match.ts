// ETags and If-Match: what is replaced is what was read. Of two people who have read the same, one is told what is there now.

import { createHash } from 'node:crypto';
import type { Call } from './handle';
import { apiFailure } from './problems';

export const tagOf = (there: unknown): string =>
  `"${there === null ? 'none' : createHash('sha256').update(JSON.stringify(there)).digest('hex').slice(0, 20)}"`;

/** `there`: as it was given to `tagOf`. `now`: the same for a person. */
export type Matching = (there: unknown, now: string) => void;

/** 428 without If-Match; otherwise the check that answers 412. */
export function matching({ headers }: Call, what: string): Matching {
  const match = headers['if-match'];
  if (match === undefined)
    throw apiFailure(
      'MatchMissing',
      `${what} is changed only by who says what is there`,
      'GET it, and send its ETag as If-Match',
    );
  return (there, now) => {
    if (match !== '*' && match !== tagOf(there)) throw changed(what, now);
  };
}

export const changed = (what: string, now: string) =>
  apiFailure('Changed', `${what} is not what was read any more: ${now}`, 'GET it again, then decide again');
