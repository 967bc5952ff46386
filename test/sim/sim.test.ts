// A slice of the simulation in every test run; `npm run sim -- --seeds N` runs more.

import { runHistory } from './history';

test('no seed gives two mains, and every history comes to rest', async () => {
  for (let seed = 1; seed <= 60; seed++) await runHistory(seed);
}, 120_000);
