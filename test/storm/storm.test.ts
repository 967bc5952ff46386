// A zone goes and 60 clusters fail over at once: what must hold of every storm. A thousand of them: npm run storm.

import { figuresOf } from './report';
import { runStorm, type StormOptions } from './storm';

const options: StormOptions = { clusters: 60, vip: 'route53', zones: 2, seed: 7, naive: false, fence: ['power-off'] };

jest.setTimeout(120_000);

test.each(['route53', 'eip'] as const)(
  'T66: with a VIP of kind %s every cluster is served, none by two, no limit of AWS is broken, and AWS refuses few',
  async (vip) => {
    const result = await runStorm({ ...options, vip });
    const { notServed, broken, throttled, ends } = figuresOf(result);
    expect({ notServed, broken }).toEqual({ notServed: 0, broken: [] });
    expect(ends).toMatchObject({ undone: 0, paged: 0 });
    const made = Object.entries(result.apis).flatMap(([api, each]) => (api === 'lambda:Invoke' ? [] : [each.made]));
    expect(throttled).toBeLessThan(0.15 * made.reduce((sum, count) => sum + count, 0));
    expect(result.apis['ec2:StopInstances']?.most).toBeLessThanOrEqual(50);
    // Lambda ends a function 15 s after its step's deadline, and the shortest of those that move something is 10 s.
    expect(result.longestStepMs).toBeLessThan(25_000);
  },
);

test('T66: where a quota is the bottleneck, important clusters are served first', async () => {
  // 200 addresses through 50 and 5 a second: half a minute.
  const result = await runStorm({ ...options, vip: 'eip', clusters: 200, fence: ['self-fence'] });
  const { notServed, byImportance } = figuresOf(result);
  expect(notServed).toBe(0);
  const at = (importance: string) => byImportance[importance]?.p99 ?? Number.POSITIVE_INFINITY;
  expect(at('high')).toBeLessThan(at('normal'));
  expect(at('normal')).toBeLessThan(at('low'));
});

test('T66: the brake lets exactly as many clusters through as it has places, holds the others, and pages once', async () => {
  const brake = { failovers: 12, percent: 0, windowMs: 3_600_000 };
  const result = await runStorm({ ...options, fence: ['self-fence'], brake, boundMs: 120_000 });
  expect(result.clusters.filter(({ writableAtMs }) => writableAtMs !== null)).toHaveLength(12);
  expect(result.heldByBrake).toBeGreaterThanOrEqual(48);
  expect([result.pages, result.broken]).toEqual([1, []]);
});

test('the same seed is the same storm, another seed another', async () => {
  const small: StormOptions = { ...options, clusters: 15 };
  const [one, again, other] = await Promise.all([runStorm(small), runStorm(small), runStorm({ ...small, seed: 8 })]);
  expect(again).toEqual(one);
  expect(other.clusters).not.toEqual(one.clusters);
});

test('T66: the naive form calls and is refused far more often', async () => {
  const ours = figuresOf(await runStorm(options));
  const naive = figuresOf(await runStorm({ ...options, naive: true }));
  expect(naive.throttled).toBeGreaterThan(5 * ours.throttled);
});
