// Faults between a port and whoever calls it: lost requests, lost replies, throttling, and delay. The same hooks drive
// the memory adapters, the SDK in contract tests and the simulation. Must never change what the call itself does.

import { assert } from '../../core/assert';
import type { OutsideProblem } from '../../core/errors';
import { fail, type Result } from '../../core/result';
import { unreachable } from '../problems';

/** timeout-before: it never happened. timeout-after: it happened and the reply was lost. server-fault: a 5xx, and nothing was done. */
export type Fault = 'timeout-before' | 'timeout-after' | 'throttle' | 'server-fault' | null;

export interface Call {
  /** Port, or the SDK's service: `LeaseStore`, `Addresses`, `DynamoDB` … */
  port: string;
  method: string;
  args: readonly unknown[];
}

/** A hook may take its time (await a clock): that is latency. */
export interface Faults {
  before?(call: Call): Fault | Promise<Fault>;
  /** Runs when the call has had its effect: only the reply can still be lost. */
  after?(call: Call): 'timeout-after' | null | Promise<'timeout-after' | null>;
}

const problems: Record<NonNullable<Fault>, (call: Call) => OutsideProblem> = {
  'timeout-before': (call) => noAnswer(call),
  'timeout-after': (call) => noAnswer(call),
  throttle: ({ port, method }) =>
    unreachable(`${port}.${method}: ThrottlingException: rate exceeded`, 'try again later', {
      error: 'ThrottlingException',
    }),
  'server-fault': ({ port, method }) =>
    unreachable(`${port}.${method}: InternalError`, 'read before trying again: it may have happened', {
      error: 'InternalError',
    }),
};

/** The caller cannot tell a lost request from a lost reply, so both look the same. */
const noAnswer = ({ port, method }: Call): OutsideProblem =>
  unreachable(`${port}.${method}: TimeoutError: no answer`, 'read before trying again: it may have happened', {
    error: 'TimeoutError',
  });

type Method = (...args: unknown[]) => Promise<Result<unknown, OutsideProblem>>;

/** The same port with faults in front of and behind every method; all methods of `target` must answer a Result. */
export function withFaults<Port extends object>(port: string, target: Port, faults: Faults = {}): Port {
  const guarded = Object.entries(target).map(([method, run]) => {
    assert(typeof run === 'function', `${port}.${method} is a method`);
    return [method, (...args: unknown[]) => faulty({ port, method, args }, run as Method, faults)];
  });
  return Object.fromEntries(guarded) as Port;
}

async function faulty(call: Call, run: Method, faults: Faults): ReturnType<Method> {
  const before = (await faults.before?.(call)) ?? null;
  if (before !== null && before !== 'timeout-after') return fail(problems[before](call));
  const outcome = await run(...call.args);
  const after = before ?? (await faults.after?.(call)) ?? null;
  return after === null ? outcome : fail(problems[after](call));
}
