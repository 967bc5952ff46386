// The deadman (L2): a tiny process beside the agent that kills the engine when the agent's promise is over, though the
// agent is killed, stuck or frozen. It must never depend on this process after `arm`, and never fire on a later promise.
//
// One line per renewal: `arm <pid> <start of pid> <deadline>`, the deadline in centiseconds of /proc/uptime: absolute, so
// a line that is read late counts from when it was promised, not from when it was read (T2, T5). When the agent dies its
// pipe ends; the deadman waits for the deadline all the same, fires, and goes. An agent that is started anew and holds
// the promise again arms a deadman of its own, and that one, once it is armed, calls off all earlier ones (their pids
// are in the roster). So there is no moment without an armed deadman, and an old deadline never hits a renewed promise.
// An agent that does not get its promise back arms nothing, and the old deadman does its work.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Report } from '../core/model';
import type { Clock, Deadman } from '../core/ports';
import { deadmanScript } from './deadman-script';

export interface DeadmanOptions {
  clock: Clock;
  /** Holds the roster of deadmen of this node; the next agent must find it here. */
  stateDir: string;
  /** What it did is written to `<logDir>/deadman.log`. */
  logDir: string;
  /** Where bash is. */
  shell?: string;
}

/** /proc/uptime in centiseconds, rounded down: the deadman's clock, the same in every process of this machine. */
function uptimeCs(): number {
  const [seconds = '0', hundredths = '0'] = (readFileSync('/proc/uptime', 'utf8').split(' ')[0] ?? '').split('.');
  return Number(seconds) * 100 + Number(hundredths);
}

/** When the process began, in ticks since boot: tells it from a later one with the same number; 0 when it is gone. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return 0;
  }
}

class ProcessDeadman implements Deadman {
  private child: ChildProcess | null = null;
  private armed = false;
  private stopped = false;

  constructor(private readonly options: DeadmanOptions) {
    mkdirSync(options.stateDir, { recursive: true });
    mkdirSync(options.logDir, { recursive: true });
    this.ensureChild();
  }

  arm(pid: number, deadlineMs: number): void {
    // Uptime first and both rounded down: whatever passes between the two readings makes the deadline earlier.
    const nowCs = uptimeCs();
    const leftMs = deadlineMs - this.options.clock.nowMs();
    this.armed = true;
    this.say(`arm ${pid} ${startOf(pid)} ${nowCs + Math.floor(leftMs / 10)}`);
  }

  disarm(): void {
    this.armed = false;
    this.say('disarm');
  }

  status(): Report['deadman'] {
    if (!this.lives()) return 'absent';
    return this.armed ? 'armed' : 'disarmed';
  }

  /** Disarmed it ends with the agent; armed it stays until its deadline, for nobody else keeps the promise then. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { child } = this;
    if (!child || !this.lives()) return;
    child.stdin?.end();
    if (!this.armed) await new Promise((resolve) => child.once('exit', resolve));
  }

  private lives(): boolean {
    const { child } = this;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  private say(line: string): void {
    this.ensureChild();
    // One write per line: the deadman reads whole lines or none.
    this.child?.stdin?.write(`${line}\n`);
  }

  /** Started again when it died: a promise is never kept without one for longer than a heartbeat. */
  private ensureChild(): void {
    if (this.stopped || this.lives()) return;
    const { shell = 'bash', stateDir, logDir } = this.options;
    const args = ['-c', deadmanScript, 'mainstay-deadman', join(logDir, 'deadman.log'), join(stateDir, 'deadmen')];
    this.child = spawn(shell, args, { cwd: stateDir, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.child.on('error', () => undefined);
    // A pipe to a deadman that just died: status() says absent, the next line starts another.
    this.child.stdin?.on('error', () => undefined);
    // Neither the process nor its pipe keeps an agent alive that wants to end.
    this.child.unref();
    if (this.child.stdin instanceof Socket) this.child.stdin.unref();
  }
}

export const createDeadman = (options: DeadmanOptions): Deadman => new ProcessDeadman(options);
