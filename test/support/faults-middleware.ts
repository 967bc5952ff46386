// The fault hooks of adapters/memory/faults.ts between the SDK and its endpoint: inside the SDK's retry loop, so each
// attempt can meet a fault of its own. `timeout-after` lets the endpoint do the work and loses the reply (T3, T68).

import type { Faults } from '../../adapters/memory/faults';

interface Stack {
  middlewareStack: {
    add(
      middleware: unknown,
      options: { step: 'finalizeRequest'; priority: 'low'; name: string; override: boolean },
    ): void;
  };
}

type Next = (args: { input?: unknown; request?: unknown }) => Promise<unknown>;

const noAnswer = () => Object.assign(new Error('no answer'), { name: 'TimeoutError', code: 'ETIMEDOUT' });
const rateExceeded = () =>
  Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } });

const serverFault = () =>
  Object.assign(new Error('We encountered an internal error'), {
    name: 'InternalError',
    $metadata: { httpStatusCode: 500 },
  });

export function injectFaults(client: Stack, faults: Faults): void {
  const middleware =
    (next: Next, context: { clientName?: string; commandName?: string }) => async (args: { input?: unknown }) => {
      const call = { port: context.clientName ?? '', method: context.commandName ?? '', args: [args.input] };
      const before = (await faults.before?.(call)) ?? null;
      if (before === 'timeout-before') throw noAnswer();
      if (before === 'throttle') throw rateExceeded();
      if (before === 'server-fault') throw serverFault();
      // Whatever the endpoint says, good or bad: a reply that is lost is not heard.
      const answer = await next(args).then(
        (heard) => () => heard,
        (error) => () => {
          throw error;
        },
      );
      const after = before ?? (await faults.after?.(call)) ?? null;
      if (after !== null) throw noAnswer();
      return answer();
    };
  client.middlewareStack.add(middleware, {
    step: 'finalizeRequest',
    priority: 'low',
    name: 'injectedFaults',
    override: true,
  });
}
