// What a person may get wrong in mainstay.config.ts: every fault at once, with its path.

import { defaultTimings } from '../../core/timings';
import { parseConfig } from '../../infra/config';
import example from '../../mainstay.config.example';

const good = () => ({
  clusters: [
    {
      name: 'alpha',
      engine: 'postgres' as const,
      nodes: [
        { name: 'db1', instanceId: 'i-0123456789abcdef0', zone: 'us-east-1a', host: '10.0.0.1' },
        { name: 'db2', instanceId: 'i-0123456789abcdef1', zone: 'us-east-1b', host: '10.0.0.2' },
      ],
      vip: { kind: 'eip' as const, allocationId: 'eipalloc-0123456789abcdef0', host: '203.0.113.10' },
    },
  ],
});

function faults(change: (config: ReturnType<typeof good>) => object): string {
  try {
    parseConfig(change(good()));
    return 'no fault';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('a small configuration gets its defaults', () => {
  expect(parseConfig(good()).clusters[0]).toMatchObject({
    timings: defaultTimings,
    fence: ['demote-ack', 'self-fence', 'power-off', 'operator'],
    nodes: [{ port: 5432, priority: 100 }, { port: 5432 }],
    consumers: [],
  });
});

test('the example is valid', () => expect(parseConfig(example).clusters.length).toBeGreaterThan(0));

test('every fault is listed at once, with its path', () => {
  const text = faults(({ clusters: [cluster] }) => ({
    clusters: [
      {
        ...cluster,
        name: 'Alpha',
        nodes: [
          { ...cluster?.nodes[0], instanceId: 'db1' },
          { ...cluster?.nodes[1], port: 0 },
        ],
        vip: { kind: 'eip' },
      },
    ],
  }));
  for (const path of [
    'clusters[0].name',
    'clusters[0].nodes[0].instanceId',
    'clusters[0].nodes[1].port',
    'clusters[0].vip.allocationId',
    'clusters[0].vip.host',
  ]) {
    expect(text).toContain(path);
  }
  expect(text).toMatch(/has 5 faults/);
});

test.each([
  ['T8: timings that break the inequality', { timings: { heartbeatMs: 2000 } }, 'three renewals must fit'],
  ['an unknown field', { colour: 'red' }, 'colour'],
  ['T59: a maximum a day that nobody could count', { failovers: { maxPerDay: 51 } }, 'only the last 50 automatic'],
  ['an empty fence ladder', { fence: [] }, 'without a rung'],
])('%s is refused', (_, change, saying) => {
  expect(faults(({ clusters: [cluster] }) => ({ clusters: [{ ...cluster, ...change }] }))).toContain(saying);
});

test('two nodes with one name, instance or address are refused', () => {
  const text = faults(({ clusters: [cluster] }) => ({
    clusters: [{ ...cluster, nodes: [cluster?.nodes[0], cluster?.nodes[0]] }],
  }));
  for (const field of ['name: db1', 'instanceId: i-0123456789abcdef0', 'address: 10.0.0.1:5432'])
    expect(text).toContain(`the same ${field}`);
});

test('a cluster of one node, and two clusters of one name, are refused', () => {
  expect(faults(({ clusters: [cluster] }) => ({ clusters: [{ ...cluster, nodes: [cluster?.nodes[0]] }] }))).toContain(
    'at least one backup',
  );
  expect(faults(({ clusters: [cluster] }) => ({ clusters: [cluster, cluster] }))).toContain(
    'two clusters are called alpha',
  );
});

test('who is told is checked as well: addresses of mail and of HTTPS', () => {
  const told = { emails: ['ops@example.com'], https: ['https://pager.example.com/x'], alarms: 'full' as const };
  expect(parseConfig({ ...good(), watching: told }).watching).toEqual(told);
  const text = faults((config) => ({ ...config, watching: { emails: ['ops'], https: ['http://pager.example.com'] } }));
  expect(text).toContain('watching.emails[0]');
  expect(text).toContain('watching.https[0]');
});
