// A node is a folder with an agent in it, and everything the agent starts, wherever its backend runs it. Plays what a real
// machine's systemd does: starts the agent at power on, restarts it when it dies, nothing else.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalNode, nodeFiles } from './layout';
import { killAllIn, processesIn, signalAll } from './processes';
import { forgetSharedMemory, sharedMemoryOf } from './shared-memory';

/** systemd's RestartSec of the unit that the product installs, in ms. */
const restartAfterMs = 1000;

export interface NodeOptions {
  agentProgram: string;
  environment: Record<string, string>;
}

export class Node {
  private agent: ChildProcess | null = null;
  private powered = false;

  constructor(
    readonly facts: LocalNode,
    private readonly options: NodeOptions,
  ) {}

  get poweredOn(): boolean {
    return this.powered;
  }

  async powerOn(): Promise<void> {
    if (this.powered) return;
    this.powered = true;
    // `mainstay-agent` is on a real node's PATH: SSM documents call it by that name.
    const bin = join(this.facts.dir, 'bin');
    await mkdir(bin, { recursive: true });
    await rm(join(bin, 'mainstay-agent'), { force: true });
    symlinkSync(this.options.agentProgram, join(bin, 'mainstay-agent'));
    this.startAgent();
  }

  /** kill -9 of everything at once, as when the power goes. */
  async powerOff(): Promise<void> {
    this.powered = false;
    const segment = sharedMemoryOf(this.seen('postmaster.pid'));
    await killAllIn(this.facts.dir, delay);
    forgetSharedMemory(segment);
  }

  /** kill -9 of one part of the node; `agent` is restarted as systemd would, `engine` is the agent's business. */
  killAgent(): void {
    this.agent?.kill('SIGKILL');
  }

  /** Stops the agent in its tracks, engine untouched; and lets it go on as if nothing had happened. */
  freezeAgent(frozen: boolean): void {
    this.agent?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Everything on it stands still, as when its host takes the CPU away; and goes on as if nothing had happened: the zombie. */
  freeze(): void {
    // Twice: what was forked while the first round went on.
    for (let round = 0; round < 2; round++) signalAll(this.pids(), 'SIGSTOP');
  }

  thaw(): void {
    signalAll(this.pids(), 'SIGCONT');
  }

  /** Killed, and nobody starts it again: a service manager that is broken, too. */
  loseAgent(): void {
    this.powered = false;
    this.killAgent();
  }

  /** A file of the engine as the node's processes see it: a disk of its own is mounted for them alone. */
  private seen(file: string): string {
    return join('/proc', String(this.pids()[0] ?? 'self'), 'root', nodeFiles(this.facts.dir).data, file);
  }

  private enginePid(): number {
    return Number(readFileSync(this.seen('postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** kill -9 of one postmaster: what the kernel does to a process that eats the memory. */
  killEngine(): void {
    const pid = this.enginePid();
    if (!this.pids().includes(pid)) throw new Error(`the engine of ${this.facts.name} is not running`);
    process.kill(pid, 'SIGKILL');
  }

  /** Clean stop of the agent, as `systemctl stop` or a reboot does. */
  async stopAgent(): Promise<void> {
    this.powered = false;
    const agent = this.agent;
    if (!agent || agent.exitCode !== null) return;
    const gone = new Promise((resolve) => agent.once('exit', resolve));
    agent.kill('SIGTERM');
    await gone;
  }

  /** `systemctl restart`, as an upgrade does: the unit's RestartKillSignal, and the next one as soon as it has gone. */
  async restartAgent(): Promise<void> {
    const { agent } = this;
    if (!agent || agent.exitCode !== null) return this.startAgent();
    const gone = new Promise((resolve) => agent.once('exit', resolve));
    this.agent = null;
    agent.kill('SIGHUP');
    await gone;
    if (this.powered) this.startAgent();
  }

  /** Runs a command line on the node, as SSM's agent would. */
  runShell(commandLine: string): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      const [program = '', ...args] = [...this.facts.at, '/bin/sh', '-c', commandLine];
      const child = spawn(program, args, {
        cwd: this.facts.dir,
        env: this.env(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
      child.once('error', (error) => resolve({ code: 127, output: error.message }));
      child.once('close', (code) => resolve({ code: code ?? 1, output }));
    });
  }

  pids(): number[] {
    return processesIn(this.facts.dir);
  }

  private env(): Record<string, string> {
    const { dir } = this.facts;
    return {
      ...this.options.environment,
      PATH: `${join(dir, 'bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
      HOME: dir,
      MAINSTAY_AGENT_CONFIG: nodeFiles(dir).settings,
    };
  }

  private startAgent(): void {
    const log = openSync(nodeFiles(this.facts.dir).agentLog, 'a');
    const agentProgram = join(this.facts.dir, 'bin', 'mainstay-agent');
    const [program = '', ...args] = [
      ...this.facts.at,
      process.execPath,
      '--max-old-space-size=128',
      agentProgram,
      'run',
    ];
    const agent = spawn(program, args, {
      cwd: this.facts.dir,
      env: this.env(),
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.agent = agent;
    agent.once('exit', () => {
      if (this.powered && this.agent === agent)
        setTimeout(() => this.powered && this.agent === agent && this.startAgent(), restartAfterMs);
    });
  }
}
