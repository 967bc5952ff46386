// mainstay brake: what it says of the window, and a release.

import { value } from '../../support/samples';
import { createBench } from './support';

const limits = { failovers: 2, percent: 0, windowMs: 600_000 };

async function aBench(taken: number) {
  const bench = createBench();
  const { brake, clock } = bench.desk;
  value(await brake.configure(limits, 9));
  value(await brake.open(null, { id: 'one', endsAtMs: Date.parse(clock.wall()) + 600_000, taken }));
  return bench;
}

test('T66: says that the brake holds, and how to go on', async () => {
  const { code, out } = await (await aBench(2)).run('brake');
  expect(code).toBe(0);
  expect(out).toMatch(/^brake: HOLDS until .*2 of 9 clusters .*next: mainstay brake release --reason TEXT/);
});

test('an open brake says how many more may go', async () => {
  const { out } = await (await aBench(1)).run('brake status --json');
  expect(JSON.parse(out)).toMatchObject({ held: false, places: 2, taken: 1, clusters: 9, release: null });
});

test('a release needs a reason, names who asked, and ends', async () => {
  const bench = await aBench(2);
  expect((await bench.run('brake release')).code).toBe(2);
  const { code, out } = await bench.run('brake release --reason "the zone is gone" --for 30m');
  expect([code, out]).toEqual([0, expect.stringMatching(/released until .* by ann: the zone is gone/)]);
  await bench.clock.advance(31 * 60_000);
  expect((await bench.run('brake')).out).not.toMatch(/released/);
});

test('without a deployment there is no brake, and an unknown word is a usage error', async () => {
  expect((await createBench().run('brake')).code).toBe(3);
  expect((await (await aBench(0)).run('brake push')).code).toBe(2);
});
