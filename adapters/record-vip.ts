// The VIP as a DNS record that names one node. Port: Vip. One batch deletes exactly what was read and creates what is to be, address
// and marker together, all or nothing: that is a compare-and-swap (T43, T48). Must never use UPSERT, which asks nobody, and never
// delete the address without creating another: resolvers remember that a name is absent longer than any switchover lasts.
//
//   move db1 -> db2   read A db1 + marker 11 ── DELETE both, CREATE A db2 + marker 12 ── done, no reading back needed
//   late old caller   marker's epoch is newer ── Refused, with what is there; nothing is sent
//   late by a hair    read marker 11 ── (somebody writes marker 12) ── DELETE marker 11 ── the whole batch is refused
//
// Works over `Zone`: Route 53 (aws/route53-vip.ts), or memory with its semantics.

import type { OutsideProblem } from '../core/errors';
import { isThrottled } from '../core/fleet';
import type { ClusterConfig, NodeName } from '../core/model';
import type { Clock, Outside, Vip, VipMoved } from '../core/ports';
import { fail, ok, type Result } from '../core/result';
import type { NameServers } from './name-servers';
import { broken, refused } from './problems';
import { verifyRecord } from './record-verify';
import {
  addressTypeOf,
  type Marker,
  markerText,
  type RecordChange,
  type RecordPlace,
  recordOf,
  recordPlaceOf,
  vipAddressOf,
  type Zone,
} from './record-zone';

export interface RecordVipOptions {
  clock: Clock;
  nameServers: NameServers;
  /** Between two questions to the zone's name servers, in ms. */
  askMs: number;
  /** Between two GetChange calls, in ms: all calls of an account share 10 a second (T45, T66). */
  getChangeMs: number;
}

interface World {
  zone: Zone;
}

async function look({ zone }: World, config: ClusterConfig): Outside<RecordPlace> {
  const { hostedZoneId, name } = recordOf(config);
  const listed = await zone.list(hostedZoneId, [name]);
  return listed.ok ? recordPlaceOf(config, listed.value.get(name) ?? []) : listed;
}

/** What whoever asks has to know about a record that is not as expected. */
const shown = (config: ClusterConfig, { node, marker, address }: RecordPlace) => ({
  holder: node,
  epoch: marker?.epoch ?? null,
  address: address?.values[0] ?? null,
  name: recordOf(config).name,
});

const stale = (config: ClusterConfig, place: RecordPlace, epoch: number): OutsideProblem =>
  refused(
    `epoch ${epoch} is over: the record ${recordOf(config).name} is at epoch ${place.marker?.epoch}, given to ${place.marker?.holder ?? 'nobody'}`,
    `nothing more is touched: see mainstay status ${config.name}; a record that outlived an earlier cluster of this name is deleted by hand`,
    shown(config, place),
  );

const heldBy = (config: ClusterConfig, place: RecordPlace, expected: NodeName | null): OutsideProblem =>
  refused(
    `the VIP ${recordOf(config).name} is at ${place.node ?? 'nobody'}, not at ${expected ?? 'nobody'} as expected`,
    'read the lease again: an older caller must not take the VIP from a newer holder',
    { expected, ...shown(config, place) },
  );

interface Wish {
  epoch: number;
  holder: NodeName | null;
}

/** Is what is there what was wished for? The address, too: a person may have changed that alone. */
const fulfilled = ({ node, marker, address }: RecordPlace, { epoch, holder }: Wish): boolean =>
  marker?.epoch === epoch && marker.holder === holder && (holder === null || (node === holder && address !== null));

/** DELETE states what was read; a record set that is not there is only created. */
function changesTo(config: ClusterConfig, { address, text, marker }: RecordPlace, wish: Wish): RecordChange[] {
  const { ttlS } = recordOf(config);
  const next: Marker = { ...wish, change: (marker?.change ?? 0) + 1 };
  const node = config.nodes.find(({ name }) => name === wish.holder);
  const created = [
    ...(node ? [{ type: addressTypeOf(config), ttlS, values: [vipAddressOf(node)] }] : []),
    { type: 'TXT', ttlS, values: [markerText(config.name, next)] },
  ];
  const deleted = [node ? address : null, text].flatMap((set) => set ?? []);
  return [
    ...deleted.map(({ type, ttlS, values }): RecordChange => ({ action: 'DELETE', set: { type, ttlS, values } })),
    ...created.map((set): RecordChange => ({ action: 'CREATE', set })),
  ];
}

/** Writes it; a lost reply and a refusal are both settled by looking: it may have been our own earlier attempt (T3). */
async function write(world: World, config: ClusterConfig, place: RecordPlace, wish: Wish): Outside<VipMoved> {
  const { hostedZoneId, name } = recordOf(config);
  const changed = await world.zone.change(hostedZoneId, name, changesTo(config, place, wish));
  if (changed.ok) return ok({ change: changed.value });
  // A quota has stopped it: it was not made, and looking is a call, too (T66).
  if (changed.error.code === 'Broken' || isThrottled(changed.error)) return changed;
  const now = await look(world, config);
  if (now.ok && fulfilled(now.value, wish)) return ok({ change: null });
  if (changed.error.code === 'Unreachable') return changed;
  return now.ok ? fail(lost(config, place, now.value, wish, changed.error)) : now;
}

/** Somebody else was faster, or the zone does not take these records at all. */
function lost(
  config: ClusterConfig,
  before: RecordPlace,
  now: RecordPlace,
  { epoch }: Wish,
  problem: OutsideProblem,
): OutsideProblem {
  if ((now.marker?.epoch ?? 0) > epoch) return stale(config, now, epoch);
  if (now.marker?.change !== before.marker?.change) return heldBy(config, now, before.node);
  return { ...problem, details: { ...problem.details, ...shown(config, now) } };
}

/** The one way to a change: look, refuse a lower epoch and another holder, write. */
async function change(
  world: World,
  config: ClusterConfig,
  from: NodeName | null,
  wish: Wish,
  done: (place: RecordPlace) => boolean,
): Outside<VipMoved> {
  const looked = await look(world, config);
  if (!looked.ok) return looked;
  const place = looked.value;
  if ((place.marker?.epoch ?? 0) > wish.epoch) return fail(stale(config, place, wish.epoch));
  if (done(place)) return ok({ change: null });
  if (place.node !== null && place.node !== from && place.node !== wish.holder)
    return fail(heldBy(config, place, from));
  return write(world, config, place, wish);
}

async function readMany({ zone }: World, configs: readonly ClusterConfig[]) {
  const answers = new Map<string, Result<NodeName | null, OutsideProblem>>();
  for (const zoneId of new Set(configs.map((config) => recordOf(config).hostedZoneId))) {
    const clusters = configs.filter((config) => recordOf(config).hostedZoneId === zoneId);
    const listed = await zone.list(
      zoneId,
      clusters.map((config) => recordOf(config).name),
    );
    for (const config of clusters) {
      const place = listed.ok ? recordPlaceOf(config, listed.value.get(recordOf(config).name) ?? []) : listed;
      answers.set(config.name, place.ok ? ok(place.value.node) : place);
    }
  }
  return answers;
}

export function createRecordVip(zone: Zone, options: RecordVipOptions): Vip {
  const world = { zone, ...options };
  return {
    read: async (config) => {
      const place = await look(world, config);
      return place.ok ? ok(place.value.node) : place;
    },
    readMany: (configs) => readMany(world, configs),
    // The marker says that nobody has it; the address stays until there is another (see above). Sessions are cut by the drain.
    withdraw: async (config, from, epoch) => {
      const wish = { epoch, holder: null };
      const changed = await change(world, config, from, wish, ({ node }) => node === null);
      return changed.ok ? ok(undefined) : changed;
    },
    // An older epoch on the right record is replaced, too: from then on its late callers are refused (T48).
    move: async (config, from, to, epoch) => {
      if (!config.nodes.some(({ name }) => name === to))
        return fail(broken(`${config.name} has no node ${to}`, 'correct the configuration', { to }));
      const wish = { epoch, holder: to };
      return change(world, config, from, wish, (place) => fulfilled(place, wish));
    },
    verify: (config, node, given) => verifyRecord(world, config, node, given),
  };
}
