// `npm run sim`: histories by the thousand, one history as a story, named scenarios, the exhaustive small world, and the proof
// that planted bugs are found. Exits with 1 when an invariant breaks, when a mutant is not found, or when coverage has a hole.

import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { operationKinds } from '../../core/model';
import { buildWorker } from './build';
import { neverMet } from './coverage';
import { aftermaths, crashAt, crashPoints } from './crash-points';
import { runCrew, type Tally } from './crew';
import { explore } from './exhaustive';
import { type MutantName, mutants } from './mutants';
import type { Failure } from './worker';

interface Options {
  seeds: number;
  from: number;
  seed?: number;
  scenario?: string;
  mutant?: MutantName;
  mutants?: boolean;
  crashPoints?: boolean;
  exhaustive?: number;
  json?: string;
}

/** Below this many histories a rare rule may not have been met by chance. */
const coverageFrom = 2000;

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

const whole = (text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('it must be a whole number.');
  return number;
};

const rate = ({ histories, seconds }: Tally): string =>
  `${(histories / Math.max(seconds, 0.001)).toFixed(0)} per second`;

function tellFailure({ seed, message, faults, story }: Failure, replay: string): void {
  say(`\nseed ${seed}: ${message}`);
  if (faults.length > 0) say(`\nfaults drawn\n  ${faults.join('\n  ')}`);
  if (story.length > 0) say(`\nthe end of its story\n${story.slice(-60).join('\n')}`);
  say(`\nreplay it with\n  npm run sim -- ${replay}`);
}

function tellCoverage(tally: Tally): void {
  for (const [table, counts] of Object.entries(tally.coverage) as [string, Record<string, number>][]) {
    const met = Object.values(counts).filter((count) => count > 0).length;
    say(`\n${table}: ${met} of ${Object.keys(counts).length} met`);
    const cells = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    say(`  ${cells.join(' · ')}`);
  }
  say(
    `\noutcomes\n  ${Object.entries(tally.outcomes)
      .sort()
      .map(([name, count]) => `${name} ${count}`)
      .join(' · ')}`,
  );
}

const progressOf = (label: string) => {
  let toldAt = 0;
  return (tally: Tally): void => {
    if (tally.seconds - toldAt < 5) return;
    toldAt = tally.seconds;
    say(
      `  ${label}${tally.histories} histories, ${rate(tally)}${tally.failures.length > 0 ? `, ${tally.failures.length} failed` : ''}`,
    );
  };
};

/** Seeds of the product, or of one mutant; true when all is as it should be. */
async function runSeeds({ seeds, from, seed, mutant, json }: Options): Promise<boolean> {
  const worker = await buildWorker(mutant ?? null);
  const first = seed ?? from;
  const orders = { from: first, seeds: seed === undefined ? seeds : 1, untilFailed: mutant !== undefined };
  const tally = await runCrew(worker, { ...orders, onProgress: progressOf('') });
  if (seed !== undefined && tally.failures.length === 0) say(tally.story.join('\n'));
  else if (seed === undefined) tellCoverage(tally);
  const [failure] = tally.failures;
  if (failure) tellFailure(failure, `--seed ${failure.seed}${mutant ? ` --mutant ${mutant}` : ''}`);
  const holes = seed === undefined && !mutant && tally.histories >= coverageFrom ? neverMet(tally.coverage) : [];
  if (holes.length > 0) say(`\nnever met: ${holes.join(', ')}`);
  say(`\n${tally.histories} histories from seed ${first}, ${rate(tally)}, ${tally.failures.length} failed`);
  if (json) writeFileSync(json, `${JSON.stringify({ ...tally, story: undefined, neverMet: holes }, null, 2)}\n`);
  return tally.failures.length === 0 && holes.length === 0;
}

interface Hunt {
  mutant: MutantName;
  found: boolean;
  /** Histories that were run until one failed. */
  histories: number;
  seed: number | null;
  invariant: string | null;
  message: string | null;
}

/** How many seeds it takes to find it. */
async function hunt(mutant: MutantName, { seeds, from }: Options): Promise<Hunt> {
  const tally = await runCrew(await buildWorker(mutant), { from, seeds, untilFailed: true });
  const [failure] = tally.failures;
  // The same seed must be well without the mutant, or it is not the mutant that was found.
  const without =
    failure && (await runCrew(await buildWorker(null), { from: failure.seed, seeds: 1, untilFailed: true }));
  if (failure && without?.failures.length !== 0)
    throw new Error(`seed ${failure.seed} fails without any mutant: mend that first`);
  const histories = failure ? failure.seed - from + 1 : tally.histories;
  return {
    mutant,
    found: failure !== undefined,
    histories,
    seed: failure?.seed ?? null,
    invariant: failure?.invariant ?? null,
    message: failure?.message.split('\n')[0] ?? null,
  };
}

async function huntAll(options: Options): Promise<boolean> {
  const hunts: Hunt[] = [];
  for (const mutant of Object.keys(mutants) as MutantName[]) {
    const result = await hunt(mutant, options);
    hunts.push(result);
    const how = result.found
      ? `seed ${result.seed}, ${result.invariant}`
      : `NOT FOUND in ${result.histories} histories`;
    say(`  ${mutant.padEnd(34)} ${how}`);
  }
  const found = hunts.filter((result) => result.found);
  const counts = found.map(({ histories }) => histories).sort((one, other) => one - other);
  say(
    `\n${found.length} of ${hunts.length} mutants found; median ${counts[Math.floor(counts.length / 2)] ?? '-'} seeds, worst ${counts.at(-1) ?? '-'}`,
  );
  if (options.json) writeFileSync(options.json, `${JSON.stringify(hunts, null, 2)}\n`);
  return found.length === hunts.length;
}

async function runOneScenario(scenario: string): Promise<boolean> {
  const tally = await runCrew(await buildWorker(null), { from: 0, seeds: 1, untilFailed: false, scenario });
  const [failure] = tally.failures;
  if (!failure) say(tally.story.join('\n'));
  else tellFailure(failure, `--scenario '${scenario}'`);
  return !failure;
}

/** Every place of every plan; true when each came to rest. */
async function runCrashPoints(): Promise<boolean> {
  let failed = 0;
  for (const kind of operationKinds) {
    for (const then of aftermaths) {
      const points = crashPoints(kind, then);
      for (const point of points) {
        await crashAt(point).catch((error: Error) => {
          failed += 1;
          say(`${JSON.stringify(point)}: ${error.message}`);
        });
      }
      say(`  ${points.length} places of ${kind}, then ${then}: ${failed} failed so far`);
    }
  }
  return failed === 0;
}

function runExhaustive(budget: number): boolean {
  const walks = [2, 3].map((nodes) => {
    const options = { nodes, budget: nodes === 2 ? budget : 1, lastEpoch: nodes === 2 ? 3 : 2 };
    const startedAtMs = performance.now();
    const walk = explore({ ...options, flaw: null, depth: Number.POSITIVE_INFINITY });
    const { states, transitions, depth, complete, violation, met } = walk;
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    say(
      `${nodes} nodes, ${options.budget} disturbances, up to epoch ${options.lastEpoch}: ${states} states, ${transitions} moves, ${complete ? `complete at depth ${depth}` : `to depth ${depth}`}, ${seconds} s`,
    );
    say(
      `  ${Object.entries(met)
        .map(([name, count]) => `${name} ${count}`)
        .join(' · ')}`,
    );
    if (violation) say(`${violation.invariant}\n  ${violation.trace.join('\n  ')}`);
    return walk;
  });
  return walks.every(({ violation, complete }) => violation === null && complete);
}

async function run(options: Options): Promise<void> {
  const well = options.mutants
    ? await huntAll(options)
    : options.scenario !== undefined
      ? await runOneScenario(options.scenario)
      : options.exhaustive !== undefined
        ? runExhaustive(options.exhaustive)
        : options.crashPoints
          ? await runCrashPoints()
          : await runSeeds(options);
  process.exitCode = well ? 0 : 1;
}

const examples = `
Examples:
  npm run sim -- --seeds 5000
  npm run sim -- --seed 4711
  npm run sim -- --scenario T25
  npm run sim -- --mutants
  npm run sim -- --mutant claim-without-silence --seeds 100`;

new Command('npm run sim --')
  .description('Histories of the protocol under faults drawn from seeds, with a checker for every invariant')
  .addOption(new Option('--seeds <n>', 'how many histories').default(500).argParser(whole))
  .addOption(new Option('--from <n>', 'first seed').default(1).argParser(whole))
  .addOption(new Option('--seed <n>', 'this one only, told as a story').argParser(whole))
  .option('--scenario <name>', 'one named scenario, told as a story: its title, or the beginning of it')
  .addOption(new Option('--mutant <name>', 'with this bug planted').choices(Object.keys(mutants)))
  .option('--crash-points', 'every plan stopped at every place, then left alone, redriven, or followed')
  .addOption(new Option('--exhaustive [disturbances]', 'all interleavings of a small world').preset(2).argParser(whole))
  .option('--mutants', 'plant every bug in turn and count the seeds that it takes to find it')
  .option('--json <file>', 'write the figures there')
  .addHelpText('after', examples)
  .showHelpAfterError('(npm run sim -- --help tells more)')
  .action(run)
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`sim: ${error.message}\n`);
    process.exitCode = 1;
  });
