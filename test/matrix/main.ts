// `npm run matrix`: every fault on a real cluster in namespaces of its own, in each mode, with clients on both sides. Prints the table
// and ends non-zero when something was lost that must not be.

import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { replicationModes } from '../../core/replication';
import { whyNoDisks } from '../../local/netns-backend';
import { World } from '../support/e2e';
import { faults } from './faults';
import { wrongWith } from './judge';
import { drawTrials } from './table';
import { ensureTable, runTrial, type Trial } from './trial';

interface Options {
  modes: string;
  faults?: string;
  json?: string;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
let end: () => Promise<void> = async () => undefined;

async function matrix({ modes, faults: only, json }: Options): Promise<number> {
  const noDisks = whyNoDisks();
  if (noDisks !== null) say(`without the faults of disks: ${noDisks}`);
  const disk = noDisks === null ? { diskMiB: 400 } : {};
  const possible = Object.keys(faults).filter((name) => noDisks === null || faults[name]?.disk !== true);
  const names = only?.split(',') ?? possible;
  const trials: Trial[] = [];
  for (const mode of modes.split(',') as (typeof replicationModes)[number][]) {
    if (!replicationModes.includes(mode)) throw new Error(`no mode '${mode}' (modes: ${replicationModes.join(', ')})`);
    const world = await World.seated({
      backend: 'netns',
      ...disk,
      cluster: { replication: { mode, backups: 1 } },
    });
    end = () => world.stop();
    try {
      await ensureTable(world);
      for (const name of names) {
        const trial = await runTrial(world, name, mode);
        trials.push(trial);
        say(
          `${mode} ${name}: ${trial.outcome}, gap ${trial.gapMs} ms, lost ${trial.lostWrites}${wrongWith(trial).map((text) => ` !!! ${text}`)}`,
        );
      }
    } finally {
      await world.stop();
    }
  }
  process.stdout.write(`${drawTrials(trials)}\n`);
  if (json) writeFileSync(json, `${JSON.stringify(trials, null, 2)}\n`);
  return trials.some((trial) => wrongWith(trial).length > 0) ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end().then(() => process.exit(130)));

new Command('npm run matrix --')
  .description('Strike a real cluster with every fault, in each replication mode (root, Linux)')
  .option('--modes <list>', 'async, sync, strict', replicationModes.join(','))
  .option('--faults <list>', `any of: ${Object.keys(faults).join(', ')}`)
  .option('--json <file>', 'write every measured value there')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run matrix\n  npm run matrix -- --modes strict --faults "power off,node frozen"',
  )
  .action(async (options: Options) => process.exit(await matrix(options)))
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`\nmatrix: ${error.message}\n`);
    process.exit(1);
  });
