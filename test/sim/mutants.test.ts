// Every planted bug still fits the source it is planted in, and some of them are hunted here; `npm run sim -- --mutants` hunts all.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWorker, mutated } from './build';
import { runCrew } from './crew';
import { type MutantName, mutants } from './mutants';

const names = Object.keys(mutants) as MutantName[];
const source = (file: string): string => readFileSync(join(__dirname, '..', '..', file), 'utf8');

test.each(names)('%s fits, each of its edits exactly once', (name) => {
  for (const { file } of mutants[name].edits) expect(mutated(name, file, source(file))).not.toBe(source(file));
});

test('an edit that does not fit any more is told, with the place', () => {
  expect(() => mutated('no-barrier', 'workflows/steps/barrier.ts', 'nothing of it')).toThrow(
    /mutant 'no-barrier': .* stands 0 times in workflows\/steps\/barrier.ts/,
  );
});

test.each<MutantName>([
  'self-fence-without-waiting',
  'takeover-at-half-the-ttl',
  'old-main-not-shunned',
  'hold-cleared-by-a-retry',
])(
  'the simulation finds %s, on a seed that is well without it',
  async (name) => {
    const hunt = await runCrew(await buildWorker(name), { from: 1, seeds: 200, untilFailed: true });
    const [failure] = hunt.failures;
    expect(failure?.invariant).toMatch(/^I\d+$/);
    const without = await runCrew(await buildWorker(null), { from: failure?.seed ?? 0, seeds: 1, untilFailed: true });
    expect(without.failures).toEqual([]);
  },
  60_000,
);
