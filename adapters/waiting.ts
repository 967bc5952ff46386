// What is kept of a sleeping operation when another token comes: shared by the AWS and the memory store.

import type { Waiting } from '../core/model';

/** More than any step is tried again; a dead token more costs one call when somebody is woken. */
const kept = 20;

/** The item as it becomes, or null when there is one of a newer epoch. */
export function added(there: Waiting | null, more: Waiting): Waiting | null {
  if (there === null || there.epoch < more.epoch) return more;
  if (there.epoch > more.epoch) return null;
  if (there.operation !== more.operation) return more;
  const tokens = there.tokens.filter((token) => !more.tokens.includes(token));
  return { ...more, since: there.since, tokens: [...tokens, ...more.tokens].slice(-kept) };
}
