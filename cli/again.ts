// `--watch`: what a command shows, shown again and again until Ctrl-C. On a terminal in the same place; otherwise one after the other, with
// --json a line each. Where the control plane does not answer any more this is said and asked again; what no second look mends ends it.

import type { Command } from 'commander';
import { endingOf } from '../desk/exit-codes';
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
  { desk, screen, interrupted, explained }: Session,
  { watch }: WatchedOptions,
  look: (show: (document: unknown) => void) => Promise<void>,
): Promise<void> {
  if (watch === undefined) return look(screen.document);
  const everyMs = (watch === true ? usualSeconds : watch) * 1000;
  for (let first = true; !interrupted(); first = false) {
    screen.fresh(desk.clock.wall());
    try {
      await look(screen.entry);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.shown) {
        const problem = explained(error.problem);
        if (first || endingOf(problem.code) !== 'unreachable') throw error;
        screen.line(screen.paint.red(sentence(problem)));
        screen.entry(asJson(problem));
      }
    }
    await desk.clock.sleep(everyMs);
  }
}
