// `npm run sim -- [--seeds N] [--seed N]`: histories per second, what happened in them, and the story of the first that fails.

import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { runHistory } from './history';

async function run({ seeds, seed, from }: { seeds: string; seed?: string; from: string }): Promise<void> {
  const first = Number(seed ?? from);
  const last = seed === undefined ? first + Number(seeds) - 1 : first;
  const startedAtMs = performance.now();
  const totals: Record<string, number> = { failovers: 0, switchovers: 0 };
  for (let at = first; at <= last; at++) {
    const { failovers, switchovers, faults } = await runHistory(at);
    for (const [name, count] of Object.entries({ failovers, switchovers, ...faults }))
      totals[name] = (totals[name] ?? 0) + count;
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  console.log(
    `${last - first + 1} histories, ${((last - first + 1) / seconds).toFixed(1)} per second, no invariant broken, all at rest`,
  );
  for (const [name, count] of Object.entries(totals)) console.log(`  ${name.padEnd(20)} ${count}`);
}

new Command('npm run sim --')
  .description('Histories of the protocol under faults drawn from seeds')
  .option('--seeds <n>', 'how many', '200')
  .option('--from <n>', 'first seed', '1')
  .option('--seed <n>', 'this one only')
  .action(run)
  .parseAsync()
  .catch((error: Error) => {
    console.error(error.message);
    console.error(`replay it with: npm run sim -- --seed ${/seed (\d+)/.exec(error.message)?.[1] ?? 'N'}`);
    process.exitCode = 1;
  });
