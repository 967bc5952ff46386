// Sessions of clients on the engine's ports, looked for and cut through ss. A shut gate only holds back what the kernel still
// wants to send: an acknowledgement of a main that is no more would go out, minutes later, when the gate is opened for
// reading. So what was shut is opened again only when no session of that time is left, those without a process included (T44).

import { execFile } from 'node:child_process';
import { isIP } from 'node:net';
import type { GateSettings } from './rules';

export interface Sessions {
  /** Cuts them and looks again: how many are left, or why nobody can tell. */
  cut(): Promise<{ left: number } | { problem: string }>;
}

/** Those in which something may still be sent. */
const STATES = ['established', 'close-wait', 'fin-wait-1', 'last-ack', 'closing'].flatMap((state) => ['state', state]);
const SS_BOUND_MS = 2000;
/** A reset is on its way for a moment; then the kernel needs CONFIG_INET_DIAG_DESTROY, or the sessions their own time-outs. */
const TRIES = 3;

const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);

/** In the language of ss: clients on these ports, but neither the other nodes nor those that are not gated. */
export function sessionFilter({ ports, peers, loopback }: GateSettings): string {
  const spared = [...peers.map(bracketed), ...(loopback === 'open' ? ['127.0.0.0/8', '[::1]'] : [])];
  const sources = ports.map((port) => `sport = :${port}`).join(' or ');
  return `( ${sources} )${spared.map((address) => ` and not dst ${address}`).join('')}`;
}

export function createSessions(command: readonly string[], settings: GateSettings): Sessions {
  const [program = 'ss', ...before] = command;
  const run = (flags: string) =>
    new Promise<{ lines: string[]; problem: string | null }>((resolve) => {
      const args = [...before, flags, ...STATES, sessionFilter(settings)];
      execFile(program, args, { timeout: SS_BOUND_MS, killSignal: 'SIGKILL' }, (error, stdout) =>
        resolve({
          lines: stdout.split('\n').filter(Boolean),
          problem: error && `ss cannot be asked: ${error.message}`,
        }),
      );
    });
  return {
    cut: async () => {
      for (let turn = 0; ; turn += 1) {
        const { lines, problem } = await run('-Htn');
        if (problem !== null) return { problem };
        if (lines.length === 0 || turn === TRIES) return { left: lines.length };
        // What it says of its success differs by version: the next look tells.
        await run('-KHtn');
      }
    },
  };
}
