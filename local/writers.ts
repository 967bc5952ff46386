// Writers in their places, and what can be said when all of them have stopped: the gap, two mains at a time, writes that a node
// took which was not the main any more, and acknowledged writes that the present main does not have.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineMs, type WriterJob, type WriterLine } from './writer';

export interface Ack {
  id: number;
  atMs: number;
  /** Data directory of the node that acknowledged it. */
  on: string;
}

export class Writer {
  readonly acks: Ack[] = [];
  readonly failures: { atMs: number; message: string }[] = [];
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {}

  /** `at`: what stands before a command that is to run in its place. */
  static start(job: WriterJob, at: readonly string[] = []): Writer {
    const [program = '', ...args] = [
      ...at,
      process.execPath,
      '--import',
      require.resolve('tsx'),
      join(__dirname, 'writer.ts'),
      JSON.stringify(job),
    ];
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    const writer = new Writer(job.name, child);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => writer.heard(text));
    return writer;
  }

  private heard(text: string): void {
    const line = JSON.parse(text) as WriterLine;
    if ('ack' in line) this.acks.push({ id: line.ack, atMs: line.atMs, on: line.on });
    if ('failed' in line) this.failures.push({ atMs: line.atMs, message: line.failed });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await gone;
  }
}

/** Longest time between two acknowledgements that ends after `sinceMs`, in ms; what is still open counts. */
export function longestGapMs(acks: readonly Ack[], sinceMs: number, untilMs = machineMs()): number {
  const times = acks.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const before = times.filter((atMs) => atMs < sinceMs).at(-1) ?? sinceMs;
  const after = [...times.filter((atMs) => atMs >= sinceMs && atMs <= untilMs), untilMs];
  return Math.max(...after.map((atMs, index) => atMs - (after[index - 1] ?? before)));
}

/**
 * What two nodes acknowledged at a time since `sinceMs`: for how long, in ms, and how many writes the one took that is not `mainNow`.
 * Mostly that is the old main; it is the new one when the old one has come back and won.
 */
export function wrongSide(
  acks: readonly Ack[],
  sinceMs: number,
  oldMain: string,
  mainNow?: string,
): { writes: number; twoMainsMs: number } {
  const since = acks.filter(({ atMs }) => atMs >= sinceMs);
  const others = since.filter(({ on }) => on !== oldMain).map(({ atMs }) => atMs);
  const firstOther = Math.min(...others);
  const late = since.filter(({ on, atMs }) => on === oldMain && atMs > firstOther).map(({ atMs }) => atMs);
  if (late.length === 0) return { writes: 0, twoMainsMs: 0 };
  const fromMs = Math.min(...late);
  const untilMs = Math.min(Math.max(...late), Math.max(...others));
  const wrong = mainNow === oldMain ? others.filter((atMs) => atMs >= fromMs) : late;
  return { writes: wrong.length, twoMainsMs: Math.max(0, untilMs - fromMs) };
}

/** Acknowledged writes of these writers that are not among `present` (`writer/id`). */
export function lostOf(writers: readonly Writer[], present: ReadonlySet<string>): number {
  return writers.reduce(
    (sum, { name, acks }) => sum + acks.filter(({ id }) => !present.has(`${name}/${id}`)).length,
    0,
  );
}
