// Builders of the three answers that an adapter may give about the world outside (core/errors).
// Shared by the AWS and the memory adapters. Must never decide which of the three it is: the caller knows.

import type { OutsideCode, OutsideProblem } from '../core/errors';

const build =
  (code: OutsideCode) =>
  (message: string, next: string, details?: Record<string, unknown>, cause?: unknown): OutsideProblem => ({
    code,
    message,
    next,
    ...(details ? { details } : {}),
    ...(cause === undefined ? {} : { cause }),
  });

export const unreachable = build('Unreachable');
export const refused = build('Refused');
export const broken = build('Broken');
