// mainstay watch: the journal as it is written, from now on or for one operation. Reads only; Ctrl-C ends it.

import type { JournalEntry } from '../../core/ports';
import { configOf } from '../../desk/cluster';
import { kindOf } from '../../desk/steps';
import { type Define, examples } from '../command';
import { follow, pollMs } from '../follow';
import { progressLines } from '../progress';
import type { Session } from '../session';

export interface WatchOptions {
  cluster: string;
  operation?: string;
}

/** As many as one look may find new. */
const pageEntries = 100;

export const defineWatch: Define = (program, act) => {
  program
    .command('watch')
    .summary('what happens, as it happens')
    .description(
      'Tell every decision and step of a cluster as it is journalled, until Ctrl-C; or one operation to its end.',
    )
    .argument('<cluster>')
    .option('--operation <name>', 'only this execution, to its end')
    .addHelpText('after', examples(['watch alpha', 'watch alpha --operation alpha-switchover-3f9a01bc']))
    .action((cluster: string, options: Omit<WatchOptions, 'cluster'>) =>
      act((session) => runWatch({ cluster, ...options }, session)),
    );
};

export async function runWatch({ cluster, operation }: WatchOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  await configOf(desk, cluster);
  const onEntry = (entry: JournalEntry): void => {
    screen.entry(entry);
    progressLines(entry, { kind: kindOf([entry]), paint: screen.paint }).forEach((line) => void screen.line(line));
  };
  if (operation !== undefined) {
    await follow(session, { cluster, operation, timeoutMs: Number.POSITIVE_INFINITY, onEntry });
    return;
  }
  const known = new Set<string>();
  for (let first = true; !session.interrupted(); first = false) {
    const listed = await desk.journal.list(cluster, { limit: pageEntries });
    // A journal that cannot be read now is read again.
    for (const entry of listed.ok ? listed.value : []) {
      const identity = JSON.stringify([entry.at, entry.actor, entry.rule, entry.because]);
      if (!known.has(identity) && !first) onEntry(entry);
      known.add(identity);
    }
    await desk.clock.sleep(5 * pollMs);
  }
}
