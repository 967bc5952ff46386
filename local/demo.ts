// `npm run demo`: the main job on real PostgreSQL, in one command. Sets everything up, tells the story as it happens, sums it
// up, and leaves nothing behind, whichever way it ends.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command, Option } from 'commander';
import { keptFile, keptStack, Stack } from './stack';
import { type StepTime, Story, type StoryResult } from './story';

interface DemoOptions {
  json?: string;
  backend: 'process' | 'netns';
  vip: 'eip' | 'route53';
  keep?: boolean;
  down?: boolean;
}

const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

const startedAtMs = performance.now();
const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;

const tell = (sinceMs: number | null, what: string, text: string): void => {
  const time = sinceMs === null ? '' : `${sinceMs < 0 ? '-' : '+'}${(Math.abs(sinceMs) / 1000).toFixed(3)}`;
  say(`  ${time.padStart(8)}  ${what.padEnd(14)} ${text}`);
};

async function demo({ json, keep, backend, vip }: DemoOptions): Promise<void> {
  if (keptStack()) throw new Error('a kept demo is running: end it with  npm run demo -- --down');
  let end: () => Promise<void> = async () => undefined;
  let ending: Promise<void> | null = null;
  const endOnce = () => {
    ending ??= end();
    return ending;
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      say('\nending: nothing is left behind');
      process.exitCode = code;
      void endOnce().then(() => process.exit());
    });
  }
  say('Mainstay demo: three PostgreSQL nodes, the deployed control plane in an emulated AWS account\n');
  try {
    const progress = (line: string) => say(`  [${seconds(performance.now() - startedAtMs)}] ${line}`);
    const stack = await Stack.start({ progress, backend, vip }, (stop) => {
      end = stop;
    });
    const story = new Story(stack, tell);
    say('');
    await story.begin();
    const result = await story.run();
    sumUp(result);
    if (json) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
    if (keep) return keepRunning(stack);
  } catch (error) {
    if (ending) return ending; // interrupted: what failed, failed because of that
    await endOnce();
    throw error;
  }
  await endOnce();
  say(`\n  everything is stopped and removed; the whole took ${seconds(performance.now() - startedAtMs)}`);
}

function sumUp({ failover, recover, switchover }: StoryResult): void {
  const steps = (list: StepTime[]): string => list.map(({ name, ms }) => `${name} ${ms}`).join(', ');
  say(`
Summary
  failover     ${failover.oldMain} -> ${failover.newMain}, epoch ${failover.epochBefore} -> ${failover.epochAfter}, fence proven by ${failover.fenceProof}
               writes stood still for ${seconds(failover.writeGapMs)}; ${failover.lostWrites} acknowledged writes lost
               steps in ms: ${steps(failover.steps)}
  recover      ${failover.oldMain} is a backup again after ${seconds(recover.ms)}, by ${recover.method}
  switchover   ${switchover.oldMain} -> ${switchover.newMain}
               writes stood still for ${seconds(switchover.writeGapMs)}; ${switchover.lostWrites} acknowledged writes lost
               steps in ms: ${steps(switchover.steps)}
  client       ${failover.ackedWrites} writes acknowledged in all, checked one by one on ${switchover.newMain}`);
}

function keepRunning(stack: Stack): void {
  mkdirSync(dirname(keptFile), { recursive: true });
  writeFileSync(keptFile, JSON.stringify(stack.facts));
  stack.keep();
  const { environment, cli, vip, cluster } = stack.facts;
  say(`
It goes on running. In your shell:
${Object.entries(environment)
  .map(([name, value]) => `  export ${name}=${value}`)
  .join('\n')}
  alias mainstay='node ${cli}'
then, for example:
  mainstay status ${cluster}
  mainstay switch ${cluster}
  psql -h ${vip.host} -p ${vip.port} -U postgres
and to end it:
  npm run demo -- --down`);
}

async function down(): Promise<void> {
  const stack = keptStack();
  if (!stack) {
    say('no kept demo is running');
    return;
  }
  await stack.stop();
  rmSync(keptFile, { force: true });
  say('the kept demo is stopped and removed');
}

new Command('npm run demo --')
  .description('Kill a real PostgreSQL main and watch the deployed control plane fail it over')
  .option('--json <file>', 'write the measured result there')
  .addOption(
    new Option('--backend <kind>', 'process: on loopback; netns: each node in a network namespace (root)')
      .choices(['process', 'netns'])
      .default('process'),
  )
  .addOption(
    new Option('--vip <kind>', 'eip: an Elastic IP address; route53: a record in a hosted zone (process backend)')
      .choices(['eip', 'route53'])
      .default('eip'),
  )
  .option('--keep', 'leave it running afterwards, and print how to use the CLI on it')
  .option('--down', 'end a demo that was kept')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run demo\n  npm run demo -- --json result.json\n  npm run demo -- --keep\n  npm run demo -- --down',
  )
  .action((options: DemoOptions) => (options.down ? down() : demo(options)))
  .parseAsync()
  .then(
    () => process.exit(),
    (error: Error) => {
      process.stderr.write(`\ndemo: ${error.message}\n`);
      process.exit(1);
    },
  );
