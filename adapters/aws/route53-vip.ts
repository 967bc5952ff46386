// A record in Route 53 as the VIP: the four calls under the algorithm of adapters/record-vip.ts. Port: Vip.
// Must never list more of a zone than it needs, and never poll: all calls of an account share 10 a second (T66).

import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ListResourceRecordSetsCommandOutput,
  type ResourceRecordSet,
  type Route53Client,
  type RRType,
} from '@aws-sdk/client-route-53';
import type { OutsideProblem } from '../../core/errors';
import type { Outside, Vip } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken } from '../problems';
import { createRecordVip, type RecordVipOptions } from '../record-vip';
import type { RecordChange, RecordSet, Zone } from '../record-zone';
import { asked } from './outside';

/** A page holds at most so many record sets (Route 53's own limit); one name has a handful. */
const pageOfMany = 300;
const pageOfOne = 20;

const bare = (name = ''): string => name.toLowerCase().replace(/\.$/, '');
/** Route 53's order: labels reversed, each followed by a dot, which matters beside a dash. */
const sortKey = (name: string): string => `${bare(name).split('.').reverse().join('.')}.`;

function specialOf(set: ResourceRecordSet): string | null {
  if (set.AliasTarget) return `an alias of ${set.AliasTarget.DNSName}`;
  if (set.SetIdentifier) return `one of several, ${set.SetIdentifier}, chosen by a routing policy`;
  if (set.TrafficPolicyInstanceId) return `made by the traffic policy ${set.TrafficPolicyInstanceId}`;
  return set.HealthCheckId ? `with the health check ${set.HealthCheckId}` : null;
}

const recordSetOf = (set: ResourceRecordSet): RecordSet => ({
  type: String(set.Type),
  ttlS: set.TTL ?? 0,
  values: (set.ResourceRecords ?? []).map(({ Value }) => String(Value)),
  special: specialOf(set),
});

/** The configuration names the zone, so a zone that is not there is its mistake. */
const explained = (zoneId: string, problem: OutsideProblem): OutsideProblem =>
  problem.details?.error === 'NoSuchHostedZone'
    ? broken(
        `there is no hosted zone ${zoneId} in this account`,
        'correct vip.hostedZoneId in the configuration',
        problem.details,
      )
    : problem;

async function inZone<T>(zoneId: string, action: string, call: () => Promise<T>, refusals: string[] = []): Outside<T> {
  const answer = await asked(`route53:${action}`, call, refusals);
  return answer.ok ? answer : fail(explained(zoneId, answer.error));
}

/** Goes through the zone in its order and jumps over what nobody asked for: at most a call per name, at most one per page. */
async function list(
  route53: Route53Client,
  zoneId: string,
  names: readonly string[],
): Outside<Map<string, RecordSet[]>> {
  const found = new Map<string, RecordSet[]>(names.map((name) => [name, []]));
  const wanted = [...names].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  const MaxItems = names.length > 1 ? pageOfMany : pageOfOne;
  let start: { name: string; type?: RRType } | undefined = wanted[0] === undefined ? undefined : { name: wanted[0] };
  while (start !== undefined) {
    const { name, type }: { name: string; type?: RRType } = start;
    const command = new ListResourceRecordSetsCommand({
      HostedZoneId: zoneId,
      StartRecordName: name,
      ...(type ? { StartRecordType: type } : {}),
      MaxItems,
    });
    const page = await inZone(zoneId, 'ListResourceRecordSets', () => route53.send(command));
    if (!page.ok) return page;
    for (const set of page.value.ResourceRecordSets ?? []) found.get(bare(set.Name))?.push(recordSetOf(set));
    start = whereNext(page.value, wanted);
  }
  return ok(found);
}

function whereNext(
  { IsTruncated, NextRecordName, NextRecordType }: ListResourceRecordSetsCommandOutput,
  wanted: readonly string[],
): { name: string; type?: RRType } | undefined {
  if (!IsTruncated || NextRecordName === undefined) return undefined;
  const name = wanted.find((each) => sortKey(each) >= sortKey(NextRecordName));
  if (name === undefined) return undefined;
  return name === bare(NextRecordName) && NextRecordType ? { name, type: NextRecordType } : { name };
}

async function change(
  route53: Route53Client,
  zoneId: string,
  name: string,
  changes: readonly RecordChange[],
): Outside<string> {
  const Changes = changes.map(({ action, set: { type, ttlS, values } }) => ({
    Action: action,
    ResourceRecordSet: {
      Name: name,
      Type: type as RRType,
      TTL: ttlS,
      ResourceRecords: values.map((Value) => ({ Value })),
    },
  }));
  const command = new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch: { Changes } });
  const changed = await inZone(zoneId, 'ChangeResourceRecordSets', () => route53.send(command), ['InvalidChangeBatch']);
  return changed.ok ? ok(String(changed.value.ChangeInfo?.Id)) : changed;
}

async function spread(route53: Route53Client, change: string): Outside<boolean> {
  const command = new GetChangeCommand({ Id: change });
  const answer = await asked('route53:GetChange', () => route53.send(command));
  return answer.ok ? ok(answer.value.ChangeInfo?.Status === 'INSYNC') : answer;
}

async function nameServers(route53: Route53Client, zoneId: string): Outside<string[]> {
  const command = new GetHostedZoneCommand({ Id: zoneId });
  const answer = await inZone(zoneId, 'GetHostedZone', () => route53.send(command));
  if (!answer.ok) return answer;
  const { HostedZone, DelegationSet } = answer.value;
  return ok(HostedZone?.Config?.PrivateZone ? [] : (DelegationSet?.NameServers ?? []));
}

export const createRoute53Zone = (route53: Route53Client): Zone => ({
  list: (zoneId, names) => list(route53, zoneId, names),
  change: (zoneId, name, changes) => change(route53, zoneId, name, changes),
  spread: (id) => spread(route53, id),
  nameServers: (zoneId) => nameServers(route53, zoneId),
});

export const createRoute53Vip = (route53: Route53Client, options: RecordVipOptions): Vip =>
  createRecordVip(createRoute53Zone(route53), options);
