// What only Route 53 itself does: its errors by name, its pages, changes that spread slowly, and name servers that are asked over UDP.

import { createRoute53Vip } from '../../adapters/aws/route53-vip';
import { createMemoryZone } from '../../adapters/memory/zone';
import { createNameServers } from '../../adapters/name-servers';
import { markerText } from '../../adapters/record-zone';
import type { ClusterConfig } from '../../core/model';
import { createFakeRoute53 } from '../support/fake-route53';
import { hastyClock } from '../support/hasty-clock';
import { type NameServer, startNameServer } from '../support/name-server';
import { aConfig, aNode, problem, value } from '../support/samples';
import { recordVip } from './suites/vip-record';

const zoneId = 'Z0123456789';

const configOf = (cluster = 'shop', name = 'db.example.com', change = {}, hosts = ['192.0.2.11', '192.0.2.12']) =>
  aConfig(cluster, {
    vip: recordVip({ hostedZoneId: zoneId, name, host: name, ...change }),
    nodes: hosts.map((host, index) => aNode(`db${index + 1}`, { host })),
  });

const nameOf = ({ vip }: ClusterConfig): string => (vip.kind === 'route53' ? vip.name : '');

/** As they stand after the first move. */
const records = ({ name, nodes }: ClusterConfig, at: string) => [
  { type: 'A', ttlS: 5, values: [String(nodes.find((node) => node.name === at)?.host)], special: null },
  { type: 'TXT', ttlS: 5, values: [markerText(name, { epoch: 1, holder: at, change: 1 })], special: null },
];

/** A Vip over Route 53 with these clusters' names in one zone. */
function overFake(configs: readonly ClusterConfig[], nameServers: string[] = []) {
  const zone = createMemoryZone({ zoneId });
  const names = configs.map(nameOf);
  const fake = createFakeRoute53(zone, { zoneId, names: () => names, nameServers });
  const clock = hastyClock();
  const options = { clock, nameServers: createNameServers(), askMs: 500, getChangeMs: 2000 };
  return { ...fake, zone, clock, vip: createRoute53Vip(fake.client, options) };
}

describe('errors of Route 53', () => {
  it.each(['PriorRequestNotComplete', 'Throttling', 'ThrottlingException', 'RequestTimeout'])(
    'T66: %s is Unreachable, by its name, and the step can run again',
    async (error) => {
      const config = configOf();
      const { vip, refuse } = overFake([config]);
      refuse('ChangeResourceRecordSets', error);
      expect(problem(await vip.move(config, null, 'db1', 1))).toMatchObject({
        code: 'Unreachable',
        details: { error },
      });
      value(await vip.move(config, null, 'db1', 1));
    },
  );

  it.each(['ListResourceRecordSets', 'ChangeResourceRecordSets'])(
    'a missing permission for %s is Broken, and names the action to allow',
    async (command) => {
      const config = configOf();
      const { vip, refuse } = overFake([config]);
      refuse(command, 'AccessDenied', 403);
      const denied = problem(await vip.move(config, null, 'db1', 1));
      expect(denied).toMatchObject({ code: 'Broken', next: expect.stringContaining(`route53:${command}`) });
    },
  );

  it('a zone that went away between look and change is Broken, with what to correct', async () => {
    const config = configOf();
    const { vip, refuse } = overFake([config]);
    refuse('ChangeResourceRecordSets', 'NoSuchHostedZone', 404);
    const gone = problem(await vip.move(config, null, 'db1', 1));
    expect(gone).toMatchObject({ code: 'Broken', next: expect.stringContaining('vip.hostedZoneId') });
  });

  it('a batch that is refused though nobody changed anything is Refused, with the reason that Route 53 gives', async () => {
    const config = configOf();
    const { vip, refuse } = overFake([config]);
    refuse('ChangeResourceRecordSets', 'InvalidChangeBatch');
    const refused = problem(await vip.move(config, null, 'db1', 1));
    expect(refused).toMatchObject({ code: 'Refused', details: { error: 'InvalidChangeBatch', holder: null } });
  });
});

describe('addresses of IPv6', () => {
  it('are an AAAA record, and one address in two spellings is one address', async () => {
    const config = configOf('shop', 'db.example.com', {}, ['2001:DB8:0:0::11', '2001:db8::12']);
    const { vip, zone } = overFake([config]);
    value(await vip.move(config, null, 'db2', 1));
    expect(zone.sets('db.example.com').map(({ type }) => type)).toEqual(['AAAA', 'TXT']);
    zone.put(
      'db.example.com',
      zone.sets('db.example.com').map((set) => (set.type === 'AAAA' ? { ...set, values: ['2001:db8::11'] } : set)),
    );
    expect(value(await vip.read(config))).toBe('db1');
  });

  it('vipAddress stands for the host where clients reach a node by another address', async () => {
    const nodes = [
      aNode('db1', { host: 'db1.internal', vipAddress: '192.0.2.11' }),
      aNode('db2', { host: '192.0.2.12' }),
    ];
    const config = { ...configOf(), nodes };
    const { vip, zone } = overFake([config]);
    value(await vip.move(config, null, 'db1', 1));
    expect(zone.sets('db.example.com')[0]?.values).toEqual(['192.0.2.11']);
  });
});

describe('calls', () => {
  it('T45: a move is two calls, and waits for nothing to spread', async () => {
    const config = configOf();
    const { vip, calls, clock } = overFake([config]);
    value(await vip.move(config, null, 'db1', 1));
    expect(calls).toEqual(['ListResourceRecordSets', 'ChangeResourceRecordSets']);
    expect(clock.nowMs()).toBe(0);
  });

  it('T66: a thousand clusters of one zone are read in 7 calls, 300 record sets at a time', async () => {
    const configs = Array.from({ length: 1000 }, (_, index) => configOf(`c${index}`, `db-${index}.example.com`));
    const { vip, calls, zone } = overFake(configs);
    for (const config of configs) zone.put(nameOf(config), records(config, 'db1'));
    const answers = await vip.readMany(configs);
    expect(configs.every(({ name }) => value(answers.get(name) ?? { ok: false, error: name }) === 'db1')).toBe(true);
    expect(calls).toEqual(Array(7).fill('ListResourceRecordSets'));
  });

  it('T66: a few clusters in a zone full of others are jumped to, and the others are not read', async () => {
    const others = Array.from({ length: 1000 }, (_, index) => configOf(`c${index}`, `m${index}.example.com`));
    const two = [configOf('first', 'a.example.com'), configOf('last', 'z.example.com')];
    const { vip, calls, zone } = overFake([...others, ...two]);
    for (const config of [...others, ...two]) zone.put(nameOf(config), records(config, 'db2'));
    const answers = await vip.readMany(two);
    expect([...answers.values()].map((answer) => value(answer))).toEqual(['db2', 'db2']);
    expect(calls).toHaveLength(2);
  });
});

describe('T45: whether a change is everywhere', () => {
  const config = configOf();
  let servers: NameServer[] = [];
  afterEach(() => {
    for (const server of servers) server.close();
    servers = [];
  });
  /** One name server for each of these; each is asked for its answer anew. */
  const start = async (...answers: (() => readonly string[] | null)[]) => {
    servers = await Promise.all(answers.map((answer) => startNameServer(answer)));
    return overFake(
      [config],
      servers.map(({ at }) => at),
    );
  };
  const now = () => ['192.0.2.12'];
  const before = () => ['192.0.2.11'];
  const given = { change: null, boundMs: 20_000 };

  it('asks the name servers of a public zone themselves, until all of them answer the new address', async () => {
    let asked = 0;
    const late = () => (++asked > 3 ? now() : before());
    const { vip } = await start(now, now, now, late);
    expect(value(await vip.verify(config, 'db2', given))).toEqual({
      everywhere: true,
      because: 'in sync at all 4 name servers after 1.5 s',
    });
  });

  it('ends at its bound, and says whom clients may still find', async () => {
    const { vip, calls, clock } = await start(now, before, before, now);
    expect(value(await vip.verify(config, 'db2', given))).toEqual({
      everywhere: false,
      because: 'not yet in sync after 20.0 s (2 of 4 name servers): clients may still resolve db1',
    });
    expect(clock.nowMs()).toBeLessThanOrEqual(20_000);
    expect(calls).toEqual(['GetHostedZone']);
  });

  it('a name server that is silent, or knows no such name, is no yes', async () => {
    const { vip } = await start(
      now,
      () => null,
      () => [],
    );
    const seen = value(await vip.verify(config, 'db2', { change: null, boundMs: 400 }));
    expect(seen).toEqual({
      everywhere: false,
      because: 'not yet in sync after 0.0 s (1 of 3 name servers): 1 did not answer, some have no such record',
    });
  });

  it('asks for AAAA where the nodes have addresses of IPv6', async () => {
    const sixes = configOf('shop', 'db.example.com', {}, ['2001:db8::11', '2001:db8::12']);
    const { vip } = await start(() => ['2001:db8::12']);
    expect(value(await vip.verify(sixes, 'db2', given))?.everywhere).toBe(true);
    expect(value(await vip.verify(sixes, 'db1', { ...given, boundMs: 0 }))?.everywhere).toBe(false);
  });

  it('asks GetChange for a private zone, every two seconds at the most (T66)', async () => {
    const inside = configOf('shop', 'db.example.com', { private: true });
    const { vip, calls, zone } = overFake([inside]);
    const { change } = value(await vip.move(inside, null, 'db1', 1));
    calls.length = 0;
    expect(value(await vip.verify(inside, 'db1', { change, boundMs: 10_000 }))).toEqual({
      everywhere: false,
      because: 'not yet in sync after 10.0 s, says Route 53 (private zone)',
    });
    expect(calls).toEqual(Array(6).fill('GetChange'));
    zone.settle();
    expect(value(await vip.verify(inside, 'db1', { change, boundMs: 10_000 }))).toEqual({
      everywhere: true,
      because: 'in sync after 0.0 s, says Route 53 (private zone)',
    });
  });

  it('a private zone that the configuration takes for public is asked about in the same way', async () => {
    const { vip, calls, zone } = overFake([config]);
    const { change } = value(await vip.move(config, null, 'db1', 1));
    zone.settle();
    calls.length = 0;
    expect(value(await vip.verify(config, 'db1', { change, boundMs: 10_000 }))?.everywhere).toBe(true);
    expect(calls).toEqual(['GetHostedZone', 'GetChange']);
  });

  it('says that it cannot tell when the name of the change was lost', async () => {
    const inside = configOf('shop', 'db.example.com', { private: true });
    const { vip, calls } = overFake([inside]);
    const seen = value(await vip.verify(inside, 'db1', { change: null, boundMs: 10_000 }));
    expect(seen?.because).toContain('not known');
    expect(calls).toEqual([]);
  });
});
