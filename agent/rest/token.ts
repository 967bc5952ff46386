// The token of the node's REST API, compared in constant time: both sides are hashed first, so that not even its length shows.

import { createHash, timingSafeEqual } from 'node:crypto';

const hashed = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `Authorization: token <token>`; the scheme in any case, as HTTP has it. */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const mine = hashed(token);
  return (authorization = '') => {
    const [, given] = /^token +(\S+)$/i.exec(authorization.trim()) ?? [];
    // Compared also when nothing was given: the time tells nothing.
    return timingSafeEqual(mine, hashed(given ?? '')) && given !== undefined;
  };
}
