// The gate's rules and the reading of nft's answers: pure. What they do to packets is tried in
// test/contract/gate.contract.test.ts.

import { durationMs, freeSlot, isIntact, readListing, refuses, stateOf } from '../../../agent/gate/listing';
import {
  confirming,
  digestOf,
  type GateSettings,
  installation,
  judgeGateSettings,
  markOf,
  promising,
  readOnlyOpening,
  shutting,
  tableOf,
} from '../../../agent/gate/rules';
import { sessionFilter } from '../../../agent/gate/sessions';

const settings = (change: Partial<GateSettings> = {}): GateSettings => ({
  cluster: 'shop-eu',
  ports: [5432, 6432],
  peers: ['198.51.100.2', '2001:db8:2::2'],
  loopback: 'gated',
  ...change,
});

const commands = (text: string): string[] => text.split('; ').filter((part) => /^(add|flush|delete) /.test(part));
const chain = (name: string, change: Partial<GateSettings> = {}): string[] =>
  installation(settings(change))
    .split('; ')
    .flatMap((part) => new RegExp(`^add rule inet mainstay_shop_eu ${name} (.*)`).exec(part)?.slice(1) ?? []);

describe('the rules', () => {
  it('touch one table of their own, in one transaction of one line', () => {
    const text = installation(settings());
    expect(text).not.toContain('\n');
    expect(tableOf(settings())).toBe('mainstay_shop_eu');
    for (const command of commands(text)) expect(command).toMatch(/^(add|delete) \w+ inet mainstay_shop_eu\b/);
  });

  it('every hooked chain accepts by default and looks at nothing but the engine ports', () => {
    const hooks = commands(installation(settings())).filter((part) => part.includes('hook'));
    expect(hooks).toHaveLength(2);
    expect(installation(settings()).match(/policy accept/g)).toHaveLength(2);
    expect(installation(settings())).not.toContain('policy drop');
    expect(chain('incoming')).toEqual(['tcp dport @ports jump arriving', 'udp dport @ports jump arriving']);
    expect(chain('outgoing')).toEqual(['tcp sport @ports jump leaving', 'udp sport @ports jump leaving']);
  });

  it('established sessions are not exempt, in either direction', () => {
    expect(installation(settings())).not.toMatch(/\bct\b|established/);
    expect(chain('leaving').at(-1)).toBe('drop');
    expect(chain('arriving').at(-1)).toBe('drop');
  });

  it('peers pass before anything is asked, and only in their own direction', () => {
    expect(chain('arriving').slice(0, 2)).toEqual(['ip saddr @peers_v4 accept', 'ip6 saddr @peers_v6 accept']);
    expect(chain('leaving').slice(0, 2)).toEqual(['ip daddr @peers_v4 accept', 'ip6 daddr @peers_v6 accept']);
  });

  it('T17: loopback passes only where the settings say so', () => {
    expect(installation(settings())).not.toContain('"lo"');
    expect(chain('arriving', { loopback: 'open' })).toContain('iifname "lo" accept');
    expect(chain('leaving', { loopback: 'open' })).toContain('oifname "lo" accept');
  });

  it('a set without addresses is made without elements', () => {
    expect(installation(settings({ peers: [] }))).toContain('peers_v6 { type ipv6_addr;  }');
  });
});

describe('the transactions', () => {
  it('T2: a promise goes into its slot unconfirmed, with a ticket that lasts as long', () => {
    expect(commands(promising(settings(), { slot: 'b', ticket: 7 }, 3000))).toEqual([
      'flush set inet mainstay_shop_eu confirmed_b',
      'flush set inet mainstay_shop_eu promise_b',
      'flush set inet mainstay_shop_eu tickets',
      'add element inet mainstay_shop_eu promise_b { 5432 timeout 3000ms, 6432 timeout 3000ms }',
      'add element inet mainstay_shop_eu tickets { 7 timeout 3000ms }',
    ]);
  });

  it('T5: a confirmation names no time: it uses the ticket and takes the other slot out of force', () => {
    const confirmed = confirming(settings(), { slot: 'b', ticket: 7 });
    expect(confirmed).not.toContain('timeout');
    expect(commands(confirmed)[0]).toBe('delete element inet mainstay_shop_eu tickets { 7 }');
    expect(commands(confirmed)).toContain('flush set inet mainstay_shop_eu confirmed_a');
    expect(commands(confirmed)).toContain('flush set inet mainstay_shop_eu readers');
  });

  it('nothing opens without a ticket, and shutting needs none', () => {
    expect(commands(readOnlyOpening(settings(), 7))[0]).toBe('delete element inet mainstay_shop_eu tickets { 7 }');
    expect(shutting(settings())).not.toContain('delete element');
  });
});

describe('the settings', () => {
  it('that are sound have no faults', () => expect(judgeGateSettings(settings())).toEqual([]));

  it.each<[string, Partial<GateSettings>]>([
    ['no port', { ports: [] }],
    ['SSH', { ports: [5432, 22] }],
    ['a port that is none', { ports: [70_000] }],
    ['a port twice', { ports: [5432, 5432] }],
    ['a name in place of an address', { peers: ['db2.internal'] }],
    ['more than an address', { peers: ['198.51.100.2 }; flush ruleset'] }],
    ['loopback as a peer', { peers: ['127.0.0.1'] }],
    ['an IPv4 address in the clothes of IPv6', { peers: ['::ffff:198.51.100.2'] }],
    ['a cluster name that is none', { cluster: 'Shop; flush ruleset' }],
  ])('%s is refused', (_, change) => expect(judgeGateSettings(settings(change))).toHaveLength(1));
});

/** As nft 1.0.6 shows it, shortened. */
const shown = (
  moving: { a?: string; confirmedA?: string; readers?: string; refusing?: string; mark?: string } = {},
) => {
  const set = (name: string, type: string, elements?: string) =>
    `\tset ${name} {\n\t\ttype ${type}\n${elements ? `\t\telements = { ${elements} }\n` : ''}\t}\n\n`;
  return `table inet mainstay_shop_eu {\n${[
    set('ports', 'inet_service', '5432, 6432'),
    set('promise_a', 'inet_service\n\t\tflags timeout', moving.a),
    set('confirmed_a', 'inet_service', moving.confirmedA),
    set('tickets', 'mark\n\t\tflags timeout', '0x0000000a timeout 1s expires 20ms'),
    set('readers', 'inet_service', moving.readers),
    set('refusing', 'inet_service', moving.refusing),
    moving.mark ? set(moving.mark, 'mark') : '',
  ].join('')}\tchain arriving {\n\t\tdrop\n\t}\n}\n`;
};
const read = (text: string) => {
  const listing = readListing(`noise\n${text}payload expression\n`, 'mainstay_shop_eu');
  if (listing === null) throw new Error('not read');
  return listing;
};

describe('the listing', () => {
  it.each([
    ['2s893ms', 2893],
    ['4ms', 4],
    ['1h2m3s', 3_723_000],
    ['3s', 3000],
  ])('%s is %i ms', (text, ms) => expect(durationMs(text)).toBe(ms));

  it('a table that is not there is null', () => {
    expect(readListing('', 'mainstay_shop_eu')).toBeNull();
    expect(readListing(shown(), 'mainstay_shop')).toBeNull();
  });

  it('shows what passes: a confirmed promise with what is left of its shortest element', () => {
    const a = '5432 timeout 3s expires 2s893ms,\n\t\t\t     6432 timeout 3s expires 2s889ms';
    expect(stateOf(read(shown({ a, confirmedA: '5432, 6432' })))).toEqual({ state: 'promise', leftMs: 2889 });
    expect(stateOf(read(shown({ a })))).toEqual({ state: 'shut', leftMs: null });
    expect(stateOf(read(shown({ confirmedA: '5432' })))).toEqual({ state: 'shut', leftMs: null });
    expect(stateOf(read(shown({ readers: '5432' })))).toEqual({ state: 'read-only', leftMs: null });
  });

  it('tells shut on purpose from run out, tickets by number, and the slot that is free', () => {
    expect(refuses(read(shown()))).toBe(false);
    expect(refuses(read(shown({ refusing: '5432' })))).toBe(true);
    expect(read(shown()).elements.tickets.get(10)).toBe(20);
    expect(freeSlot(read(shown()))).toBe('a');
    expect(freeSlot(read(shown({ confirmedA: '5432' })))).toBe('b');
  });

  it('is intact with the mark of these settings and this fixed part, whatever moves', () => {
    const mark = markOf(digestOf(settings()), read(shown()).fixedPart);
    const later = read(shown({ mark, readers: '5432', refusing: '5432' }));
    expect(isIntact(later, digestOf(settings()))).toBe(true);
    expect(isIntact(later, digestOf(settings({ peers: [] })))).toBe(false);
    expect(isIntact(read(shown()), digestOf(settings()))).toBe(false);
    expect(isIntact(read(shown({ mark }).replace('\t\tdrop\n', '')), digestOf(settings()))).toBe(false);
    expect(isIntact(read(shown({ mark }).replace('5432, 6432', '5432')), digestOf(settings()))).toBe(false);
  });
});

it('sessions are those on the engine ports, without the peers and without loopback where it is open', () => {
  expect(sessionFilter(settings())).toBe(
    '( sport = :5432 or sport = :6432 ) and not dst 198.51.100.2 and not dst [2001:db8:2::2]',
  );
  expect(sessionFilter(settings({ ports: [5432], peers: [], loopback: 'open' }))).toBe(
    '( sport = :5432 ) and not dst 127.0.0.0/8 and not dst [::1]',
  );
});
