// `npm run bench`: write gaps, the share of each step, and what an agent costs, as medians over runs. Every run has a stack of
// its own: the functions are cold, as they are when a failover comes after weeks. Measures and prints; judges nothing.
// The agents reach DynamoDB through the counting proxy all the time, which adds under a millisecond to each request.

import { writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { Stack } from '../../local/stack';
import { Story } from '../../local/story';
import { benchApi } from './api';
import { measureCold } from './cold';
import { Counter } from './counter';
import { processorModel } from './processes';
import { watchAtRest } from './rest';
import type { BenchResult } from './result';
import { peerNames, runScenarios } from './scenarios/run';
import { type ScenarioName, scenarioNames } from './scenarios/scenarios';
import { type Preset, presets } from './scenarios/system';
import { table } from './table';

interface BenchOptions {
  runs: number;
  rest: number;
  json?: string;
  cold?: boolean;
  api?: number;
  scenarios?: ScenarioName[];
  preset: Preset[];
  peers: typeof peerNames;
  onlyPeers?: boolean;
}

const nodeNames = ['db1', 'db2', 'db3'];
/** The story seats the first node. */
const firstMain = 'db1';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

let end: () => Promise<void> = async () => undefined;

async function oneRun(restSeconds: number): Promise<BenchResult['runs'][number] & { postgres: string }> {
  const counters = new Map<string, Counter>();
  for (const name of nodeNames) counters.set(name, await Counter.listen());
  const nodeEnvironment = Object.fromEntries(
    [...counters].map(([name, { endpoint }]) => [name, { AWS_ENDPOINT_URL_DYNAMODB: endpoint }]),
  );
  try {
    const stack = await Stack.start({ nodeNames, nodeEnvironment }, (stop) => {
      end = stop;
    });
    for (const counter of counters.values()) counter.connect(stack.facts.environment.AWS_ENDPOINT_URL ?? '');
    const story = new Story(stack, () => undefined);
    await story.begin();
    const atRest = await watchAtRest(stack, counters, firstMain, restSeconds * 1000);
    return { atRest, story: await story.run(), postgres: stack.facts.postgresVersion };
  } finally {
    await end();
    for (const counter of counters.values()) counter.close();
  }
}

async function benchScenarios(options: BenchOptions, scenarios: ScenarioName[]): Promise<void> {
  const { preset, onlyPeers = false } = options;
  const text = await runScenarios({ ...options, scenarios, presets: preset, onlyPeers }, say, (down) => {
    end = down;
  });
  process.stdout.write(`${text}\n`);
}

async function bench({ runs: count, rest: restSeconds, json, cold }: BenchOptions): Promise<void> {
  const runs: BenchResult['runs'] = [];
  let postgres = '';
  for (let run = 1; run <= count; run++) {
    const { postgres: version, ...measured } = await oneRun(restSeconds);
    const { failover, switchover } = measured.story;
    say(`run ${run} of ${count}: failover ${failover.writeGapMs} ms, switchover ${switchover.writeGapMs} ms`);
    postgres = version;
    runs.push(measured);
  }
  if (cold) say('cold: a fresh clone, npm ci, npm run demo');
  const result: BenchResult = {
    machine: {
      cores: availableParallelism(),
      processor: processorModel(),
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      node: process.version,
      postgres,
    },
    restSeconds,
    runs,
    cold: cold ? await measureCold() : null,
  };
  process.stdout.write(`${table(result)}\n`);
  if (json) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
  };
}

/** Comma-separated, each one of those known. */
function someOf<Name extends string>(known: readonly Name[]): (text: string) => Name[] {
  return (text) => {
    const names = text.split(',').filter(Boolean);
    const wrong = names.find((name) => !known.some((each) => each === name));
    if (wrong !== undefined) throw new InvalidArgumentError(`There is no '${wrong}', but ${known.join(', ')}.`);
    return known.filter((name) => names.includes(name));
  };
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => void end().then(() => process.exit(code)));
}

new Command('npm run bench --')
  .description('Measure write gaps, steps, and what an agent costs at rest')
  .option('--runs <number>', 'runs, each on a fresh stack', atLeast(1), 5)
  .option('--rest <seconds>', 'how long a cluster at rest is watched', atLeast(20), 30)
  .option('--json <file>', 'write every measured value there')
  .option('--cold', 'also clone what is committed and time npm ci and npm run demo with empty caches')
  .option('--api <calls>', 'instead: p50 and p99 of calls of the REST API, so many of each', atLeast(20))
  .option(
    '--scenarios <names>',
    `instead: client-seen faults in network namespaces (root): ${scenarioNames.join(', ')}`,
    someOf(scenarioNames),
  )
  .option('--preset <names>', `with --scenarios: ${presets.join(', ')}`, someOf(presets), ['default'])
  .option('--peers <names>', `with --scenarios, beside Mainstay: ${peerNames.join(', ')}`, someOf(peerNames), [])
  .option('--only-peers', 'with --scenarios: without Mainstay')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run bench\n  npm run bench -- --runs 3 --json bench.json\n  npm run bench -- --cold\n  npm run bench -- --scenarios kill,cut --preset default,tight --peers patroni',
  )
  .action((options: BenchOptions) => {
    if (options.api) return benchApi(options.api);
    return options.scenarios ? benchScenarios(options, options.scenarios) : bench(options);
  })
  .parseAsync()
  .then(
    () => process.exit(0),
    (error: Error) => {
      process.stderr.write(`\nbench: ${error.message}\n`);
      process.exit(1);
    },
  );
