// A broken invariant is a bug, not an outcome: it stops the process that met it, named by the invariant's id.

export class AssertionFailed extends Error {
  override name = 'AssertionFailed';
}

export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new AssertionFailed(invariant);
}
