// `npm run storm`: a zone goes and so many clusters fail over at once. Prints how long it takes until they can be written to, and what
// was called, for Mainstay and for the naive form. Exits with 1 when a cluster is not served, or a limit of AWS was broken.

import { Command, InvalidArgumentError, Option } from 'commander';
import type { fenceRungs } from '../../core/model';
import { drawStorm, figuresOf } from './report';
import { runStorm, type StormOptions } from './storm';

interface Options {
  clusters: number;
  vip?: 'eip' | 'route53';
  zones: number;
  seed: number;
  fence: (typeof fenceRungs)[number];
  naive?: boolean;
  both?: boolean;
  json?: boolean;
}

const whole = (text: string): number => {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('it must be a whole number above 0.');
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function run({ clusters, vip, zones, seed, fence, naive, both, json }: Options): Promise<void> {
  const kinds = vip === undefined ? (['route53', 'eip'] as const) : [vip];
  const forms = both || naive === undefined ? [false, true] : [naive];
  const told: unknown[] = [];
  for (const kind of kinds) {
    for (const isNaive of forms) {
      const options: StormOptions = { clusters, vip: kind, zones, seed, fence: [fence], naive: isNaive };
      const result = await runStorm(options);
      if (json) told.push({ ...figuresOf(result), apis: result.apis, table: result.table });
      else say(`${drawStorm(result)}\n`);
      const { notServed } = figuresOf(result);
      // The naive form is there to be looked at.
      if (!isNaive && (notServed > 0 || result.broken.length > 0)) process.exitCode = 1;
    }
  }
  if (json) say(JSON.stringify(told, null, 2));
}

new Command('storm')
  .description('Fail so many clusters over at once in one account, in virtual time, against the quotas of AWS.')
  .option('--clusters <n>', 'clusters that lose their main', whole, 1000)
  .addOption(new Option('--vip <kind>', 'one kind only (default: both)').choices(['eip', 'route53']))
  .option('--zones <n>', 'hosted zones that the records are spread over', whole, 10)
  .option('--seed <n>', 'everything is drawn from it', whole, 1)
  .addOption(
    new Option('--fence <rung>', 'how the lost mains are fenced')
      .choices(['power-off', 'self-fence'])
      .default('power-off'),
  )
  .option('--naive', 'only the naive form')
  .option('--no-naive', 'only ours')
  .option('--both', 'both forms (default)')
  .option('--json', 'figures as JSON')
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  });
