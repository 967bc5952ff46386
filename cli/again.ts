// `--watch`: what a command shows, shown again and again until Ctrl-C. On a terminal in the same place; otherwise one after the other, with
// --json a line each. What cannot be read now is said and read again.

import type { Command } from 'commander';
import { asJson, Failure, sentence } from '../desk/problems';
import { wholeNumber } from './command';
import type { Session } from './session';

export interface WatchedOptions {
  /** Seconds between two looks; true: as many as usual. */
  watch?: number | true;
}

const usualSeconds = 2;

export const withWatch = (command: Command): Command =>
  command.option(
    '--watch [seconds]',
    `show it again until Ctrl-C, every ${usualSeconds} seconds or as many as are given`,
    wholeNumber,
  );

/** `look` shows it once; `show` gives its document. */
export async function again(
  { desk, screen, interrupted }: Session,
  { watch }: WatchedOptions,
  look: (show: (document: unknown) => void) => Promise<void>,
): Promise<void> {
  if (watch === undefined) return look(screen.document);
  const everyMs = (watch === true ? usualSeconds : watch) * 1000;
  while (!interrupted()) {
    screen.fresh(desk.clock.wall());
    try {
      await look(screen.entry);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.shown) screen.line(screen.paint.red(sentence(error.problem)));
      if (!error.shown) screen.entry(asJson(error.problem));
    }
    await desk.clock.sleep(everyMs);
  }
}
