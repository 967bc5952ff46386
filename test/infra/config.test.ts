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

describe('webhooks', () => {
  const emails = ['ops@example.com'];
  const told = (webhook: object, others: object = { emails }) =>
    faults((config) => ({ ...config, watching: { ...others, webhooks: [{ name: 'chat', ...webhook }] } }));

  test('have an address, perhaps a key, and a rate', () => {
    const key = { secret: 'mainstay/pager', field: 'key' };
    const given = { emails, webhooks: [{ name: 'pager', url: 'https://pager.example.com/v2/enqueue', key }] };
    expect(parseConfig({ ...good(), watching: given }).watching?.webhooks).toEqual([
      { ...given.webhooks[0], header: 'Authorization', perSecond: 1 },
    ]);
  });

  test.each([
    ['plain HTTP', { url: 'http://chat.example.com/hook' }, 'https only'],
    ['a password', { url: 'https://ops:secret@chat.example.com/hook' }, 'it has a password in it'],
    ['a token in the query', { url: 'https://chat.example.com/hook?token=1' }, 'a query may be a secret'],
    ['a token in the path', { url: 'https://chat.example.com/a/9f31c02b77ab11' }, 'looks like a secret'],
    ['a long word in the path', { url: `https://chat.example.com/${'x'.repeat(24)}` }, 'looks like a secret'],
    ['the text of a key', { url: 'https://chat.example.com/hook', key: 'hunter2' }, 'expected object'],
    ['a secret of no name', { url: { secret: 'two words' } }, 'the name or the ARN of a secret'],
    ['no rate at all', { url: 'https://chat.example.com/hook', perSecond: 0 }, 'perSecond'],
  ])('%s is refused', (_, webhook, saying) => expect(told(webhook)).toContain(saying));

  test.each([
    'https://chat.example.com/hook',
    { secret: 'chat' },
    { secret: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat-Ab12cD` },
  ])('%j is an address', (url) => expect(told({ url })).toBe('no fault'));

  test('are not alone, at most four, and of different names', () => {
    const url = 'https://chat.example.com/hook';
    expect(told({ url }, {})).toContain('watching.webhooks: a webhook needs somebody in emails or https beside it');
    const many = (names: string[]) =>
      faults((config) => ({ ...config, watching: { emails, webhooks: names.map((name) => ({ name, url })) } }));
    expect(many(['a', 'b', 'c', 'd', 'e'])).toContain('four webhooks are the most');
    expect(many(['a', 'a'])).toContain('two webhooks are called a');
  });
});
