// The gate's rules as text for nft: pure. One line is one transaction, taken whole or not at all. Text and not JSON, because
// nft's JSON knows timeouts in whole seconds only. Nothing but numbers, addresses that were parsed, and fixed names goes in.
//
// Two slots, a and b. A promise is put into the slot that is not in use, where the kernel counts it down from before the
// renewal was sent; it opens nothing until that slot is confirmed. So a confirmation that comes late, because this
// process, nft or the whole node stood still, finds what is left of the promise or nothing, and never extends it (T2, T5).
// Each promise has a ticket that lasts as long and is used up by its confirmation: without it the transaction fails.
//
// What is known of the kernel: timeouts are counted in jiffies (include/net/netfilter/nf_tables.h) and looked at for
// each packet, not when garbage is collected; the tick rounds towards an earlier end. Before Linux 6.12 (commit
// 4201f3938914) adding an element that is there leaves its timeout as it was: hence flush and add in one transaction.

import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { CountedPromise } from '../../core/gate';

export interface GateSettings {
  cluster: string;
  /** Ports that the engine, or a pooler before it on this node, serves clients on. TCP and UDP. */
  ports: readonly number[];
  /** Addresses of the other nodes, IPv4 and IPv6, never one of this node: what comes from there is replication and passes. */
  peers: readonly string[];
  /** Clients on this node that connect by TCP. Those on a Unix socket are never seen by nftables, whatever this says. */
  loopback: 'gated' | 'open';
}

type Slot = CountedPromise['slot'];

/** Sets whose elements come and go; everything else in the table is fixed. */
export const MOVING_SETS = [
  'promise_a',
  'promise_b',
  'confirmed_a',
  'confirmed_b',
  'tickets',
  'readers',
  'refusing',
] as const;
export type MovingSet = (typeof MOVING_SETS)[number];

const SSH_PORT = 22;

/** Every fault of the settings, each with what to do; empty when they are sound. */
export function judgeGateSettings({ cluster, ports, peers }: GateSettings): string[] {
  const faults: string[] = [];
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(cluster)) faults.push(`cluster '${cluster}': lower-case letters, digits, dashes`);
  if (ports.length === 0) faults.push('ports: name at least one port of the engine');
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push(`port ${port}: must be between 1 and 65535`);
    if (port === SSH_PORT) faults.push(`port ${port}: is how people reach the node; it is never gated`);
  }
  if (new Set(ports).size !== ports.length) faults.push('ports: each one once');
  for (const peer of peers) {
    if (isIP(peer) === 0) faults.push(`peer '${peer}': must be an IPv4 or IPv6 address; resolve names first`);
    if (/^127\.|^::1$|^::ffff:|^0\.0\.0\.0$|^::$/i.test(peer))
      faults.push(`peer '${peer}': is not the address of a node`);
  }
  return faults;
}

export const tableOf = ({ cluster }: GateSettings): string => `mainstay_${cluster.replaceAll('-', '_')}`;

const listed = (values: readonly (string | number)[]): string => `{ ${values.join(', ')} }`;

/** The rules for packets to the engine (`dport`, `saddr`) or from it (`sport`, `daddr`). */
function verdicts(chain: string, { loopback }: GateSettings): string[] {
  const [port, address, device] = chain === 'arriving' ? ['dport', 'saddr', 'iifname'] : ['sport', 'daddr', 'oifname'];
  const passes = [
    `ip ${address} @peers_v4 accept`,
    `ip6 ${address} @peers_v6 accept`,
    ...(loopback === 'open' ? [`${device} "lo" accept`] : []),
    // A reset asks for nothing and acknowledges nothing: it only ends a session that must end anyway (T44).
    'tcp flags & rst == rst accept',
    // Established sessions are not exempt: every packet has to find the promise alive.
    `th ${port} @promise_a th ${port} @confirmed_a accept`,
    `th ${port} @promise_b th ${port} @confirmed_b accept`,
    `th ${port} @readers accept`,
  ];
  const refuses = [
    // Who connects now is sent away at once and finds the new main sooner.
    'tcp flags & (fin | syn | rst | ack) == syn reject with tcp reset',
    // Shut on purpose: sessions end. Shut because the promise ran out: silence, so that a late renewal finds them alive.
    `th ${port} @refusing meta l4proto tcp reject with tcp reset`,
  ];
  return [...passes, ...(chain === 'arriving' ? refuses : []), 'drop'].map((rule) => `${chain} ${rule}`);
}

/** Replaces whatever is there under the table's name by the rules, shut. */
export function installation(settings: GateSettings): string {
  const table = `inet ${tableOf(settings)}`;
  const { ports, peers } = settings;
  const constant = (name: string, type: string, values: readonly (string | number)[]) =>
    `add set ${table} ${name} { type ${type}; ${values.length > 0 ? `elements = ${listed(values)};` : ''} }`;
  const timed = ['promise_a', 'promise_b', 'tickets'];
  const moving = MOVING_SETS.map((name) => {
    const type = name === 'tickets' ? 'mark' : 'inet_service';
    return `add set ${table} ${name} { type ${type}; ${timed.includes(name) ? 'flags timeout;' : ''} }`;
  });
  const hooked = (name: string, hook: string, port: string, then: string) => [
    // Policy accept: what is not the engine's passes untouched, whatever happens to the rest of the table.
    `add chain ${table} ${name} { type filter hook ${hook} priority 0; policy accept; }`,
    `add rule ${table} ${name} tcp ${port} @ports jump ${then}`,
    `add rule ${table} ${name} udp ${port} @ports jump ${then}`,
  ];
  return [
    // Added first so that deleting cannot fail when it is not there.
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    constant('ports', 'inet_service', ports),
    constant(
      'peers_v4',
      'ipv4_addr',
      peers.filter((peer) => isIP(peer) === 4),
    ),
    constant(
      'peers_v6',
      'ipv6_addr',
      peers.filter((peer) => isIP(peer) === 6),
    ),
    ...moving,
    ...['arriving', 'leaving'].map((name) => `add chain ${table} ${name}`),
    ...['arriving', 'leaving'].flatMap((name) => verdicts(name, settings).map((rule) => `add rule ${table} ${rule}`)),
    ...hooked('incoming', 'input', 'dport', 'arriving'),
    // The one that matters most: nothing that the engine says reaches a client once the promise is over.
    ...hooked('outgoing', 'output', 'sport', 'leaving'),
  ].join('; ');
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Changes with anything in the settings or in the rules that are made of them. */
export const digestOf = (settings: GateSettings): string => digest(installation(settings));

/** Name of the empty set that says which rules the table was made of, and what the kernel showed when it was new. */
export const markOf = (madeOf: string, fixedPart: string): string => `as_${madeOf}_${digest(fixedPart)}`;

export const marking = (settings: GateSettings, fixedPart: string): string =>
  `add set inet ${tableOf(settings)} ${markOf(digestOf(settings), fixedPart)} { type mark; }`;

const otherSlot = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a');

export function promising(settings: GateSettings, { slot, ticket }: CountedPromise, promiseMs: number): string {
  const timed = settings.ports.map((port) => `${port} timeout ${promiseMs}ms`);
  return changes(settings, [`confirmed_${slot}`, `promise_${slot}`, 'tickets'], {
    [`promise_${slot}`]: timed,
    tickets: [`${ticket} timeout ${promiseMs}ms`],
  });
}

export function confirming(settings: GateSettings, { slot, ticket }: CountedPromise): string {
  const opened = changes(settings, [`confirmed_${otherSlot(slot)}`, 'readers', 'refusing'], {
    [`confirmed_${slot}`]: settings.ports,
  });
  return `${using(settings, ticket)}; ${opened}`;
}

/** A ticket without a promise, for a change that must not come late either. */
export const issuing = (settings: GateSettings, ticket: number, lastsMs: number): string =>
  changes(settings, ['tickets'], { tickets: [`${ticket} timeout ${lastsMs}ms`] });

export function readOnlyOpening(settings: GateSettings, ticket: number): string {
  const emptied = MOVING_SETS.filter((name) => name !== 'tickets');
  return `${using(settings, ticket)}; ${changes(settings, emptied, { readers: settings.ports })}`;
}

export const shutting = (settings: GateSettings): string =>
  changes(settings, MOVING_SETS, { refusing: settings.ports });

export const removal = (settings: GateSettings): string => `delete table inet ${tableOf(settings)}`;

/** Fails, and with it the whole transaction, when the ticket has expired or was replaced. */
const using = (settings: GateSettings, ticket: number): string =>
  `delete element inet ${tableOf(settings)} tickets { ${ticket} }`;

function changes(
  settings: GateSettings,
  emptied: readonly MovingSet[],
  filled: Partial<Record<MovingSet, readonly (string | number)[]>>,
): string {
  const table = `inet ${tableOf(settings)}`;
  return [
    ...emptied.map((name) => `flush set ${table} ${name}`),
    ...Object.entries(filled).map(([name, elements]) => `add element ${table} ${name} ${listed(elements)}`),
  ].join('; ');
}
