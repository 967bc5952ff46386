// Runs histories in a process of its own and tells its parent what came of each; two of them use two cores.

import { addTables, type CoverageTables, emptyTables } from './coverage';
import { HistoryFailed, runHistory } from './history';
import { runScenario } from './scenarios';

/** Seeds `from`, `from + step`, … below `to`; or one scenario. */
export interface Job {
  from: number;
  to: number;
  step: number;
  /** Ends at the first failure. */
  untilFailed: boolean;
  withStory: boolean;
  scenario?: string;
}

export interface Failure {
  seed: number;
  invariant: string;
  message: string;
  faults: string[];
  story: string[];
}

export interface Progress {
  histories: number;
  coverage: CoverageTables;
  outcomes: Record<string, number>;
  failures: Failure[];
  story?: string[];
  done: boolean;
}

const tellEveryMs = 500;

/** A bug may break more than an invariant: whatever is thrown is a failure with its seed. */
const failureOf = (seed: number, error: unknown): Failure => {
  if (error instanceof HistoryFailed) {
    const { invariant, message, faults, story } = error;
    return { seed, invariant, message, faults, story: story.slice(-200) };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { seed, invariant: 'crash', message, faults: [], story: [] };
};

const fresh = (): Progress => ({ histories: 0, coverage: emptyTables(), outcomes: {}, failures: [], done: false });

/** A promise that nobody awaits has been rejected: an assertion of the product, or a planted bug. */
let rejected: unknown = null;
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function work(job: Job): Promise<void> {
  let progress = fresh();
  let toldAtMs = performance.now();
  const tell = (done: boolean) => {
    process.send?.({ ...progress, done });
    progress = fresh();
    toldAtMs = performance.now();
  };
  for (let seed = job.from; seed < job.to; seed += job.step) {
    try {
      const { coverage, outcomes, story } = await runHistory(seed);
      await settled();
      if (rejected) throw rejected;
      addTables(progress.coverage, coverage);
      for (const [name, count] of Object.entries(outcomes))
        progress.outcomes[name] = (progress.outcomes[name] ?? 0) + count;
      if (job.withStory) progress.story = story;
    } catch (error) {
      await settled();
      progress.failures.push(failureOf(seed, rejected ?? error));
      rejected = null;
    }
    progress.histories += 1;
    if (progress.failures.length > 0 && job.untilFailed) break;
    if (performance.now() - toldAtMs >= tellEveryMs) tell(false);
  }
  tell(true);
}

async function scenario(name: string): Promise<void> {
  const progress = fresh();
  try {
    progress.story = await runScenario(name);
  } catch (error) {
    progress.failures.push(failureOf(0, error));
  }
  process.send?.({ ...progress, histories: 1, done: true });
}

process.once('message', (job: Job) => {
  process.on('unhandledRejection', (reason) => {
    rejected ??= reason;
  });
  void (job.scenario === undefined ? work(job) : scenario(job.scenario)).then(() => process.disconnect());
});
