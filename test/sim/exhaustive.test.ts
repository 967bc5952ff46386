// The exhaustive small world: every interleaving, no sampling; and every planted flaw is found.

import { explore } from './exhaustive';
import { type Flaw, flaws } from './small-world';

test.each([
  [2, 1, 3],
  [3, 1, 2],
])(
  'T1, T2, T3, T5, T6, T48: %i nodes and %i disturbance: no interleaving up to epoch %i breaks an invariant',
  (nodes, budget, lastEpoch) => {
    const { violation, complete, met } = explore({
      nodes,
      budget,
      lastEpoch,
      flaw: null,
      depth: Number.POSITIVE_INFINITY,
    });
    expect({ violation, complete }).toEqual({ violation: null, complete: true });
    expect(met).toMatchObject({
      'a main writes': expect.any(Number),
      'frozen beyond its promise': expect.any(Number),
    });
    const { 'switched over': _, ...others } = met;
    expect(Object.entries(others).filter(([, count]) => count === 0)).toEqual([]);
  },
);

test('a switchover and a disturbance of it are in the walk of two', () => {
  const { violation, met } = explore({ nodes: 2, budget: 2, lastEpoch: 2, flaw: null, depth: 28 });
  expect(violation).toBeNull();
  expect(met['switched over']).toBeGreaterThan(0);
});

test.each(Object.keys(flaws) as Flaw[])('the walk can fail: it finds %s', (flaw) => {
  const { violation } = explore({ nodes: 2, budget: 2, lastEpoch: 2, flaw, depth: 20 });
  expect(violation?.invariant).toMatch(/^I[1-8]: /);
  expect(violation?.trace.length).toBeGreaterThan(5);
});
