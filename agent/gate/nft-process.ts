// nft as a co-process: `nft -i` takes one transaction per line within a millisecond, where a process for each would wait for
// the kernel's grace period at its exit (some 16 ms). It is believed by what it lists afterwards, never by its silence.

import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Clock } from '../../core/ports';

export interface Nft {
  /** What it said to these lines, each one transaction; null when it died or did not answer in time. */
  ask(lines: readonly string[]): Promise<NftAnswer | null>;
  stop(): void;
}

export interface NftAnswer {
  shown: string;
  /** Complaints. */
  complaint: string;
}

/**
 * Two last lines, whose answers are the same for every kernel and table: words on one pipe, a complaint on the other. When both
 * are read, all lines before them were taken or refused, and no complaint is still to come that would be taken for the next's.
 */
const LAST_LINES = ['describe tcp dport', 'said'];
const LAST_WORDS = /^payload expression, .*\n/m;
const LAST_COMPLAINT = /^Error: .*\nsaid\n *\^+\n/m;

const answered = (answer: NftAnswer | 'died' | 'late'): NftAnswer | null =>
  typeof answer === 'string' ? null : answer;

class NftProcess implements Nft {
  private child: ChildProcess | null = null;
  private answer: NftAnswer = { shown: '', complaint: '' };
  private heard: () => void = () => undefined;

  constructor(
    private readonly command: readonly string[],
    private readonly clock: Clock,
    private readonly answerMs: number,
  ) {}

  /** Asked again when it had died meanwhile: what was taken already finds its ticket used and shows that it was taken. */
  async ask(lines: readonly string[]): Promise<NftAnswer | null> {
    const first = await this.askOnce(lines);
    return first === 'died' ? answered(await this.askOnce(lines)) : answered(first);
  }

  private async askOnce(lines: readonly string[]): Promise<NftAnswer | 'died' | 'late'> {
    const child = this.started();
    this.answer = { shown: '', complaint: '' };
    let late = false;
    void this.clock.sleep(this.answerMs).then(() => {
      late = true;
      this.heard();
    });
    child.stdin?.write(`${[...lines, ...LAST_LINES].join('\n')}\n`);
    while (!(LAST_WORDS.test(this.answer.shown) && LAST_COMPLAINT.test(this.answer.complaint))) {
      if (this.child !== child) return 'died';
      if (late) {
        this.stop();
        return 'late';
      }
      await new Promise<void>((resolve) => {
        this.heard = resolve;
      });
    }
    const { shown, complaint } = this.answer;
    return { shown, complaint: complaint.replace(LAST_COMPLAINT, '').trim() };
  }

  /** Killed, not asked: lines that it has not read yet must not be taken any more. */
  stop(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  private started(): ChildProcess {
    if (this.child !== null) return this.child;
    const [program = 'nft', ...before] = this.command;
    // Its words are parsed: no translation.
    const child = spawn(program, [...before, '-i'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    const hears = (to: keyof NftAnswer) => (chunk: Buffer) => {
      if (this.child !== child) return;
      this.answer[to] += chunk.toString();
      this.heard();
    };
    child.stdout.on('data', hears('shown'));
    child.stderr.on('data', hears('complaint'));
    const gone = () => {
      if (this.child === child) this.child = null;
      this.heard();
    };
    child.on('error', (error) => {
      this.answer.complaint += error.message;
      gone();
    });
    child.on('close', gone);
    // A pipe to a process that just died: `close` tells.
    child.stdin.on('error', () => undefined);
    // Neither the process nor its pipes keep an agent alive that wants to end.
    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) if (pipe instanceof Socket) pipe.unref();
    return child;
  }
}

/** One that has not answered within `answerMs` is killed; what it was given before cannot open anything. */
export const createNft = (command: readonly string[], clock: Clock, answerMs: number): Nft =>
  new NftProcess(command, clock, answerMs);
