// What a VIP in DNS needs of a hosted zone, and how its two record sets are read: the address record that clients resolve, and beside
// it a TXT record, the marker, that carries epoch and holder. Must never take a record for ours that does not say so: anything
// that is no plain record set of these two is somebody else's.
//
//   db.example.com.  A    5  192.0.2.11
//   db.example.com.  TXT  5  "mainstay cluster=alpha epoch=7 holder=db1 change=12"

import { isIPv6, SocketAddress } from 'node:net';
import { assert } from '../core/assert';
import type { OutsideProblem } from '../core/errors';
import type { ClusterConfig, NodeConfig, NodeName, Route53VipConfig } from '../core/model';
import type { Outside } from '../core/ports';
import { fail, ok, type Result } from '../core/result';
import { refused } from './problems';

export interface RecordSet {
  type: string;
  ttlS: number;
  /** As the zone has them, letter by letter: a DELETE has to state them. */
  values: string[];
  /** Why it is no plain record set (an alias, one of several weighted ones …); null when it is. */
  special: string | null;
}

export interface RecordChange {
  action: 'CREATE' | 'DELETE';
  set: Omit<RecordSet, 'special'>;
}

export interface Zone {
  /** All record sets of these names, by name, as they are with changes that still spread. */
  list(zoneId: string, names: readonly string[]): Outside<Map<string, RecordSet[]>>;
  /**
   * All of these changes to one name, or none: Refused when a DELETE does not state what is there, or a CREATE is of what is
   * there already. Answers what the service calls the change.
   */
  change(zoneId: string, name: string, changes: readonly RecordChange[]): Outside<string>;
  /** Whether every name server has it. */
  spread(change: string): Outside<boolean>;
  /** The zone's own name servers; none when it is answered inside its VPCs only. */
  nameServers(zoneId: string): Outside<string[]>;
}

export interface Marker {
  epoch: number;
  /** null: withdrawn. */
  holder: NodeName | null;
  /** Counts the changes, so that no two markers of a cluster are equal: a late DELETE never meets an equal one. */
  change: number;
}

export interface RecordPlace {
  /** Node that the VIP is at; null when withdrawn or when there is no address. */
  node: NodeName | null;
  marker: Marker | null;
  address: RecordSet | null;
  text: RecordSet | null;
}

export function recordOf({ vip }: ClusterConfig): Route53VipConfig {
  assert(vip.kind === 'route53', `this adapter is given records only, not ${vip.kind}`);
  return vip;
}

export const vipAddressOf = ({ vipAddress, host }: NodeConfig): string => vipAddress ?? host;

/** A node's addresses are all of one family: the configuration is refused otherwise. */
export const addressTypeOf = ({ nodes }: ClusterConfig): 'A' | 'AAAA' =>
  nodes[0] && isIPv6(vipAddressOf(nodes[0])) ? 'AAAA' : 'A';

/** One spelling per address: `2001:DB8:0::1` and `2001:db8::1` are the same. */
export const canonical = (address: string): string =>
  isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;

export const nodeAt = ({ nodes }: ClusterConfig, address: string): NodeName | null =>
  nodes.find((node) => canonical(vipAddressOf(node)) === canonical(address))?.name ?? null;

export const markerText = (cluster: string, { epoch, holder, change }: Marker): string =>
  `"mainstay cluster=${cluster} epoch=${epoch} holder=${holder ?? 'none'} change=${change}"`;

/** null: not a marker of this cluster. */
export function markerOf(cluster: string, { type, values, special }: RecordSet): Marker | null {
  if (type !== 'TXT' || special !== null || values.length !== 1) return null;
  const pattern = /^"mainstay cluster=(\S+) epoch=(\d+) holder=(\S+)(?: change=(\d+))?"$/;
  const [, owner, epoch, holder, change = '0'] = pattern.exec(values[0] ?? '') ?? [];
  if (owner !== cluster) return null;
  return { epoch: Number(epoch), holder: holder === 'none' ? null : String(holder), change: Number(change) };
}

/** Types that decide where clients of the name end up, or whether a marker can stand there. */
const ours = ['A', 'AAAA', 'CNAME', 'TXT'];

export function recordPlaceOf(config: ClusterConfig, sets: readonly RecordSet[]): Result<RecordPlace, OutsideProblem> {
  const type = addressTypeOf(config);
  const judged = sets.filter((set) => ours.includes(set.type));
  const address = judged.find((set) => set.type === type && set.special === null && set.values.length === 1) ?? null;
  const text = judged.find((set) => markerOf(config.name, set) !== null) ?? null;
  const stranger = judged.find((set) => set !== address && set !== text);
  if (stranger) return fail(foreign(config, stranger));
  // An address without the marker was made by somebody else, even where it is one of the nodes'.
  if (address && !text) return fail(foreign(config, address));
  const marker = text && markerOf(config.name, text);
  const node = address && nodeAt(config, address.values[0] ?? '');
  if (address && !node) return fail(foreign(config, address));
  return ok({ node: marker?.holder === null ? null : node, marker, address, text });
}

function foreign(config: ClusterConfig, { type, values, special, ttlS }: RecordSet): OutsideProblem {
  const { name, hostedZoneId } = recordOf(config);
  const what = special ?? values.join(', ');
  return refused(
    `the record ${name} ${type} (${what}) is not Mainstay's for ${config.name}, and is left alone`,
    `find out who made it; delete it, or let Mainstay have it: a TXT record of that name with the value ${markerText(config.name, { epoch: 0, holder: null, change: 0 })}`,
    { holder: null, hostedZoneId, name, type, values, ttlS, ...(special ? { special } : {}) },
  );
}
