// A slice of the simulation in every test run; `npm run sim -- --seeds N` runs more.

import { runHistory } from './history';

test('no seed breaks an invariant, and every history comes to rest', async () => {
  for (let seed = 1; seed <= 150; seed++) await runHistory(seed);
}, 120_000);

test('the same seed is the same history, byte for byte', async () => {
  for (const seed of [3, 7, 19]) {
    const [first, second] = [await runHistory(seed), await runHistory(seed)];
    expect(first.story.length).toBeGreaterThan(50);
    expect(second.story.join('\n')).toBe(first.story.join('\n'));
  }
});
