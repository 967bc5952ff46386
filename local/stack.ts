// A local stack as its users see it: starts the hypervisor process, waits until it is ready, gives orders, ends it. Shared
// by the demo, the e2e tests and the benchmark.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { HypervisorOptions } from './hypervisor';
import { nodeFiles, type StackFacts } from './layout';
import { killAllIn } from './processes';

export type StackOptions = Pick<
  HypervisorOptions,
  'cluster' | 'nodeNames' | 'nodeEnvironment' | 'backend' | 'diskMiB' | 'vip'
> & {
  progress?: (line: string) => void;
};

/** A socket's path has room for about 100 characters (sun_path), and the engine's lies below this folder. */
const longestTemp = 60;

export interface CliRun {
  code: number;
  stdout: string;
  stderr: string;
}

export class Stack {
  private constructor(
    readonly facts: StackFacts,
    private readonly hypervisor: ChildProcess | null,
  ) {}

  static async start(
    options: StackOptions = {},
    onSpawn: (end: () => Promise<void>) => void = () => undefined,
  ): Promise<Stack> {
    const parent = tmpdir().length > longestTemp ? '/tmp' : tmpdir();
    const dir = mkdtempSync(join(parent, 'mainstay-'));
    // The engine's account has to reach its folders.
    chmodSync(dir, 0o755);
    const { progress = () => undefined, ...overrides } = options;
    const child = spawn(
      process.execPath,
      ['--import', require.resolve('tsx'), join(__dirname, 'hypervisor-main.ts'), dir, JSON.stringify(overrides)],
      // A session of its own: Ctrl-C reaches whoever started it, who ends it in order.
      { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, NODE_NO_WARNINGS: '1' } },
    );
    onSpawn(() => endProcess(child, dir));
    return new Stack(await readiness(child, progress), child);
  }

  /** A stack that was left running. */
  static attach(facts: StackFacts): Stack {
    return new Stack(facts, null);
  }

  /** Leaves it running after this process has ended. */
  keep(): void {
    this.hypervisor?.stdin?.write('keep\n');
    this.hypervisor?.stdin?.end();
    this.hypervisor?.stdout?.destroy();
    this.hypervisor?.stderr?.destroy();
    this.hypervisor?.unref();
  }

  async stop(): Promise<void> {
    if (this.hypervisor) return endProcess(this.hypervisor, this.facts.dir);
    try {
      process.kill(this.facts.hypervisorPid, 'SIGTERM');
    } catch {
      // Already gone; what it left, if anything, goes below.
    }
    await cleared(this.facts.dir);
  }

  /** Something that no AWS API does: pull a plug, kill an agent. */
  async order(order: string, node: string, parameters: Record<string, string> = {}): Promise<void> {
    const query = new URLSearchParams({ node, ...parameters });
    const response = await fetch(`http://127.0.0.1:${this.facts.controlPort}/${order}?${query}`, { method: 'POST' });
    if (!response.ok) throw new Error(`${order} ${node}: ${await response.text()}`);
  }

  /** Runs the `mainstay` CLI against this stack. */
  cli(...args: string[]): Promise<CliRun> {
    const env = { ...process.env, ...this.facts.environment, NODE_NO_WARNINGS: '1' };
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [this.facts.cli, ...args],
        { env, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
      );
    });
  }

  /** Where this machine reaches the engine of a node: one in a network of its own by its Unix socket. */
  hostOf(name: string): string {
    const { dir, host } = this.node(name);
    return this.facts.backend === 'netns' ? nodeFiles(dir).socket : host;
  }

  node(name: string): StackFacts['nodes'][number] {
    const found = this.facts.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`no node '${name}'`);
    return found;
  }
}

function readiness(child: ChildProcess, progress: (line: string) => void): Promise<StackFacts> {
  let errors = '';
  child.stderr?.on('data', (data) => {
    errors = (errors + data).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the local stack ended (${code}) before it was ready\n${errors}`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const message = parsed(line);
      if (typeof message.progress === 'string') progress(message.progress);
      if (typeof message.failed === 'string') reject(new Error(message.failed));
      if (message.ready) resolve(message.ready as StackFacts);
    });
  });
}

/** What the hypervisor says; anything else on its output is a tool's chatter. */
function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function endProcess(child: ChildProcess, dir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([gone, delay(15_000, undefined, { ref: false })]);
  }
  await cleared(dir);
}

/** Waits until the hypervisor has removed its folder; removes what a killed one has left. */
async function cleared(dir: string): Promise<void> {
  for (let round = 0; round < 300 && existsSync(dir); round++) await delay(50);
  if (!existsSync(dir)) return;
  await killAllIn(dir, delay);
  rmSync(dir, { recursive: true, force: true });
}

/** Where a demo that was kept has left its address. */
export const keptFile = join(__dirname, '..', '.mainstay', 'kept.json');

export function keptStack(): Stack | null {
  if (!existsSync(keptFile)) return null;
  return Stack.attach(JSON.parse(readFileSync(keptFile, 'utf8')) as StackFacts);
}
