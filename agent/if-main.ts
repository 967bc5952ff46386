// T42: jobs of a node that must move with the role (a nightly export, a cron job). `mainstay-agent if-main -- command` runs it on
// the main only, and ends it when the role leaves: by the lease, read consistently each heartbeat, and without an answer no longer
// than the holder's own promise would last. Must never go on beside a job of the next main.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Command } from 'commander';
import type { Lease } from '../core/model';
import type { Clock, LeaseStore } from '../core/ports';
import { promiseMs, type Timings } from '../core/timings';

export interface Job {
  /** Its exit code; null when a signal has ended it. */
  ended: Promise<number | null>;
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

export interface IfMain {
  cluster: string;
  me: string;
  timings: Timings;
  store: Pick<LeaseStore, 'read'>;
  clock: Clock;
  /** Starts the command, with the epoch at which this node is main. */
  start: (epoch: number) => Job;
  say: (message: string, details?: Record<string, unknown>) => void;
}

export const endings = {
  /** Not the main: nothing was run. */
  notMain: 0,
  /** EX_TEMPFAIL: the role left while it ran, or nobody could be asked; the node that is main runs its own. */
  roleLeft: 75,
} as const;

/** Between SIGTERM and SIGKILL, in ms: within the promise, whose end no command may see. */
const patienceMs = (timings: Timings): number => Math.min(1000, promiseMs(timings) / 4);

const isMain = (lease: Lease | null, me: string, epoch = lease?.epoch): boolean =>
  lease?.holder === me && lease.phase === 'held' && lease.drain === null && lease.epoch === epoch;

/**
 * Exit code: the command's own, or one of `endings`. A command has ended a ttl after the last question whose answer was that this
 * node is main; the one of the next main begins a ttl after such an answer there. Two never run at once.
 */
export async function runIfMain(parts: IfMain): Promise<number> {
  const { cluster, me, timings, store, clock, start, say } = parts;
  const first = await store.read(cluster);
  if (!first.ok) {
    say('the store cannot be reached: nothing is run', { problem: first.error.message });
    return endings.roleLeft;
  }
  const lease = first.value;
  if (lease === null || !isMain(lease, me)) {
    say(`${me} is not the main of ${cluster}: nothing is run`, { main: lease?.holder ?? null });
    return endings.notMain;
  }
  await clock.sleep(timings.ttlMs);
  let askedAtMs = clock.nowMs();
  const again = await store.read(cluster);
  if (!again.ok || !isMain(again.value, me, lease.epoch)) {
    say('the role has left this node, or the store cannot be reached: nothing is run');
    return endings.roleLeft;
  }
  const job = start(lease.epoch);
  const ended = job.ended.then((code) => ({ code }));
  for (;;) {
    const leftMs = () => Math.max(0, askedAtMs + promiseMs(timings) - patienceMs(timings) - clock.nowMs());
    const over = await Promise.race([ended, clock.sleep(Math.min(timings.heartbeatMs, leftMs()))]);
    if (over) return over.code ?? endings.roleLeft;
    const sentAtMs = clock.nowMs();
    const now = await Promise.race([store.read(cluster), clock.sleep(Math.min(timings.storeTimeoutMs, leftMs()))]);
    if (now?.ok && isMain(now.value, me, lease.epoch)) askedAtMs = sentAtMs;
    else if (now?.ok || leftMs() === 0) return end(parts, job, ended);
  }
}

async function end({ timings, clock, say }: IfMain, job: Job, ended: Promise<unknown>): Promise<number> {
  say('the role has left this node, or nobody can be asked: the command is ended');
  job.signal('SIGTERM');
  await Promise.race([ended, clock.sleep(patienceMs(timings))]);
  job.signal('SIGKILL');
  await ended;
  return endings.roleLeft;
}

/** In a process group of its own, so that what it has started ends with it. */
export function spawnJob(
  [file = '', ...args]: readonly string[],
  environment: Record<string, string | undefined>,
): Job {
  const child: ChildProcess = spawn(file, args, { stdio: 'inherit', detached: true, env: environment });
  return {
    ended: new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`the command cannot be run: ${error.message}`)));
      child.once('exit', (code) => resolve(code));
    }),
    signal: (name) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // Gone already: nothing is left to end.
      }
    },
  };
}

/** `file`: the settings of this node. */
export function ifMainCommand(
  program: Command,
  file: string,
  run: (file: string, command: string[]) => Promise<number>,
): void {
  program
    .command('if-main')
    .description('run a command on the main only, and end it when the role leaves; on every other node do nothing')
    .argument('<command...>', 'after --')
    .option('--config <file>', 'settings of this node', file)
    .addHelpText(
      'after',
      '\nExample, in a crontab that is the same on every node:\n  15 2 * * *  mainstay-agent if-main -- /usr/local/bin/nightly-export\n\nExit code: the command’s; 0 on a node that is not the main; 75 when the role left while it ran.',
    )
    .action(async (command: string[], { config }: { config: string }) => {
      process.exitCode = await run(config, command);
    });
}
