// The driver's problems in the shape that everybody reads: what, why, what next.

import { AssertionFailed } from '../../../core/assert';
import type { Driven, DriverProblem } from '../../../core/ports';
import { fail } from '../../../core/result';

export const problem = (
  code: DriverProblem['code'],
  message: string,
  next: string,
  details?: Record<string, unknown>,
): { ok: false; error: DriverProblem } => fail({ code, message, next, ...(details ? { details } : {}) });

export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A disk that is full or a directory that is not ours is an outcome, not a bug. */
export async function attempted<T>(code: DriverProblem['code'], act: () => Driven<T>): Driven<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AssertionFailed) throw error;
    return problem(code, sentence(error), 'Mend what it says; it is tried again.');
  }
}
