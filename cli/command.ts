// What every file in commands/ has in common: a definition for the parser, apart from the run over options and a session.
// Also the options that several commands share, so that they read the same everywhere. What each prints with --json: documents.ts.

import { type Command, InvalidArgumentError } from 'commander';
import type { Session } from './session';

/** Opens the session and runs; a problem ends the command in program.ts. */
export type Act = (run: (session: Session) => Promise<void>) => Promise<void>;

/** Adds one command to the program. */
export type Define = (program: Command, act: Act) => void;

/** Examples for --help: what an operator would really type. */
export const examples = (lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ mainstay ${line}`).join('\n')}`;

export function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

export interface WaitOptions {
  /** Undefined: yes. */
  wait?: boolean;
  /** Seconds. */
  timeout: number;
}

export interface ByOptions {
  by?: string;
}

export const withBy = (command: Command): Command =>
  command.option('--by <name>', 'who asks, for the journal (default: your user name)');

export const withTimeout = (command: Command, seconds: number): Command =>
  command.option(
    '--timeout <seconds>',
    'give up waiting after this; the cluster goes on (exit 8)',
    wholeNumber,
    seconds,
  );

/** Options of commands that start an execution. */
export const withWaiting = (command: Command, seconds: number): Command =>
  withTimeout(
    command
      .option('--wait', 'tell what happens until it is over (default)')
      .option('--no-wait', 'print the name of the execution and return'),
    seconds,
  );
