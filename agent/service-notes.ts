// What systemd is told of the agent: that it is up when its first round has ended, then at most every 10 s that its loop still turns (WatchdogSec of the unit). Node has no
// datagram sockets, so a child process says it: rare, bounded, and never waited for. An agent that hangs is killed and started again by
// systemd; what its engine may do meanwhile is the deadman's and the gate's business, never this file's.

import { execFile } from 'node:child_process';
import type { Clock } from '../core/ports';

export interface ServiceNotes {
  /** A round of the loop has ended. With the first one the agent is up: a `systemctl restart` returns, and an upgrade has come up. */
  turned(): void;
}

/** A sixth of the unit's WatchdogSec. */
const EVERY_MS = 10_000;
const BOUND_MS = 5_000;

const nobody: ServiceNotes = { turned: () => undefined };

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
  let isUp = false;
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
    turned: () => {
      if (!isUp) say('READY=1');
      else if (clock.nowMs() - saidAtMs >= EVERY_MS) say('WATCHDOG=1');
      isUp = true;
    },
  };
}
