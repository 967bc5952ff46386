// Expected outcomes are values: a Result holds either the value or the error, and the caller has to look.
// Bugs are not Results: they are assertions (assert.ts).

export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });
export const fail = <E>(error: E): { ok: false; error: E } => ({ ok: false, error });
