// Sends seeds to worker processes, one per core, and adds up what they tell.

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { addTables, type CoverageTables, emptyTables } from './coverage';
import type { Failure, Job, Progress } from './worker';

export interface Tally {
  histories: number;
  seconds: number;
  coverage: CoverageTables;
  outcomes: Record<string, number>;
  failures: Failure[];
  story: string[];
}

export interface Orders {
  from: number;
  seeds: number;
  untilFailed: boolean;
  scenario?: string;
  onProgress?: (tally: Tally) => void;
}

/** Runs `file` (see build.ts) in as many processes as there are cores; resolves when all have ended. */
export async function runCrew(file: string, orders: Orders): Promise<Tally> {
  const { from, seeds, untilFailed, scenario, onProgress } = orders;
  const startedAtMs = performance.now();
  const tally: Tally = { histories: 0, seconds: 0, coverage: emptyTables(), outcomes: {}, failures: [], story: [] };
  const size = Math.min(seeds, availableParallelism());
  const alone = { withStory: seeds === 1, ...(scenario === undefined ? {} : { scenario }) };
  const add = (progress: Progress): void => {
    tally.histories += progress.histories;
    tally.seconds = (performance.now() - startedAtMs) / 1000;
    addTables(tally.coverage, progress.coverage);
    for (const [name, count] of Object.entries(progress.outcomes))
      tally.outcomes[name] = (tally.outcomes[name] ?? 0) + count;
    tally.failures.push(...progress.failures);
    tally.story = progress.story ?? tally.story;
    onProgress?.(tally);
  };
  const jobs = Array.from(
    { length: size },
    (_, at): Job => ({ from: from + at, to: from + seeds, step: size, untilFailed, ...alone }),
  );
  await Promise.all(jobs.map((job) => runWorker(file, job, add, () => untilFailed && tally.failures.length > 0)));
  tally.failures.sort((one, other) => one.seed - other.seed);
  return tally;
}

function runWorker(file: string, job: Job, add: (progress: Progress) => void, enough: () => boolean): Promise<void> {
  const child = fork(file, [], { execArgv: ['--enable-source-maps', '--max-old-space-size=2048'] });
  return new Promise((resolve, reject) => {
    let done = false;
    child.on('message', (progress: Progress) => {
      add(progress);
      done ||= progress.done;
      if (enough()) child.kill();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      done || enough() ? resolve() : reject(new Error(`a worker ended with ${code ?? signal} before it was done`)),
    );
    child.send(job);
  });
}
