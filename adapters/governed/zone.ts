// A hosted zone under the account's quotas (T66): all who look into a zone look together, all who change it do so in one batch, and
// all calls to Route 53 take turns. A change that waited needs no second look at the epoch: the batch is compare-and-swap, and a late
// one is refused (T48); then it is halved until it loses alone.

import type { Importance } from '../../core/fleet';
import { ok } from '../../core/result';
import type { NameChange, RecordSet, Zone } from '../record-zone';
import type { Governor } from './governor';
import { inGroup } from './group';

const api = 'route53';
/** A page has 300 record sets: 100 names with an address and a marker each, and some that are others'. */
const mostNames = 100;
/**
 * A batch may have 1,000 changes and 32,000 characters of values. Four changes a name are 360; two markers of 120 and two IPv6 addresses
 * of 39 are 318 characters, times 90 are 28,620.
 */
const mostChanges = 90;
/** They ask for the same: any number. */
const mostOfOne = 1000;

export function governedZone(governor: Governor, zone: Zone, importance: Importance): Zone {
  const change = (zoneId: string, wanted: NameChange) =>
    inGroup(
      governor,
      {
        api,
        lane: `route53:change#${zoneId}`,
        most: mostChanges,
        atOnce: 1,
        call: async (bodies: readonly NameChange[]) => {
          const done = await zone.changeMany(zoneId, bodies);
          return done.ok ? ok(bodies.map(() => done.value)) : done;
        },
      },
      importance,
      wanted,
    );
  /** One answer for all who ask the same. */
  const shared = <Answer>(
    lane: string,
    ask: () => ReturnType<typeof zone.nameServers> | ReturnType<typeof zone.spread>,
  ) =>
    inGroup(
      governor,
      {
        api,
        lane,
        most: mostOfOne,
        atOnce: 1,
        call: async (bodies: readonly null[]) => {
          const answer = await ask();
          return answer.ok ? ok(bodies.map(() => answer.value as Answer)) : answer;
        },
      },
      importance,
      null,
    );
  return {
    list: async (zoneId, names) => {
      const seen = await inGroup(governor, looks(zone, zoneId), importance, names);
      return seen.ok ? ok(new Map(seen.value)) : seen;
    },
    change: (zoneId, name, changes) => change(zoneId, { name, changes }),
    changeMany: (zoneId, wanted) => governor.turn(api, importance, () => zone.changeMany(zoneId, wanted)),
    spread: (id) => shared<boolean>(`route53:spread#${id}`, () => zone.spread(id)),
    nameServers: (zoneId) => shared<string[]>(`route53:servers#${zoneId}`, () => zone.nameServers(zoneId)),
  };
}

const looks = (zone: Zone, zoneId: string) =>
  ({
    api,
    lane: `route53:list#${zoneId}`,
    most: mostNames,
    atOnce: 2,
    call: async (bodies: readonly (readonly string[])[]) => {
      const found = await zone.list(zoneId, [...new Set(bodies.flat())]);
      if (!found.ok) return found;
      return ok(bodies.map((names) => names.map((name): [string, RecordSet[]] => [name, found.value.get(name) ?? []])));
    },
  }) as const;
