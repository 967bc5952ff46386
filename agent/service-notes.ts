// What systemd is told of the agent: once that it is up, then at most every 10 s that its loop still turns (WatchdogSec of the unit). Node has no
// datagram sockets, so a child process says it: rare, bounded, and never waited for. An agent that hangs is killed and started again by
// systemd; what its engine may do meanwhile is the deadman's and the gate's business, never this file's.

import { execFile } from 'node:child_process';
import type { Clock } from '../core/ports';

export interface ServiceNotes {
  /** The agent is up: a `systemctl restart` returns. */
  ready(): void;
  /** A round of the loop has ended. */
  turned(): void;
}

/** A sixth of the unit's WatchdogSec. */
const EVERY_MS = 10_000;
const BOUND_MS = 5_000;

const nobody: ServiceNotes = { ready: () => undefined, turned: () => undefined };

export interface NotesOptions {
  /** `NOTIFY_SOCKET` of the environment; undefined: nobody listens. */
  socket: string | undefined;
  path: string;
  clock: Clock;
  log: (message: string, details?: Record<string, unknown>) => void;
  program?: string;
}

export function createServiceNotes(options: NotesOptions): ServiceNotes {
  const { socket, path, clock, log, program = 'systemd-notify' } = options;
  if (!socket) return nobody;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let failed = false;
  const say = (word: string): void => {
    saidAtMs = clock.nowMs();
    const env = { PATH: path, NOTIFY_SOCKET: socket };
    const child = execFile(program, [word], { env, timeout: BOUND_MS, killSignal: 'SIGKILL' }, (error) => {
      if (error && !failed) log('systemd was not told that the agent is well', { problem: error.message });
      failed = error !== null;
    });
    child.unref();
  };
  return {
    ready: () => say('READY=1'),
    turned: () => {
      if (clock.nowMs() - saidAtMs >= EVERY_MS) say('WATCHDOG=1');
    },
  };
}
