// Route 53 behind the SDK's client without an endpoint: commands are answered from a zone in memory, with the service's order, pages,
// errors and PENDING. For what the emulator cannot be asked: how many calls a fleet takes, and errors by their names. Must never be
// kinder than Route 53.

import { Route53Client, Route53ServiceException } from '@aws-sdk/client-route-53';
import { createClient } from '../../adapters/aws/clients';
import type { MemoryZone } from '../../adapters/memory/zone';
import type { RecordChange, RecordSet } from '../../adapters/record-zone';
import { testOptions } from './cloud';
import { problem } from './samples';

export interface FakeRoute53 {
  client: Route53Client;
  /** Commands that arrived, in order. */
  calls: string[];
  /** The next call of this command is refused with an error of this name. */
  refuse(command: string, name: string, httpStatusCode?: number): void;
}

interface Input {
  HostedZoneId?: string;
  Id?: string;
  StartRecordName?: string;
  StartRecordType?: string;
  MaxItems?: number;
  ChangeBatch?: {
    Changes: {
      Action: 'CREATE' | 'DELETE';
      ResourceRecordSet: { Name: string; Type: string; TTL: number; ResourceRecords: { Value: string }[] };
    }[];
  };
}

const refusal = (name: string, httpStatusCode: number, message = `${name}, says Route 53`) =>
  new Route53ServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode } });

/** com.example.db. : a dash sorts before the dot that ends a label. */
const key = (name: string): string => `${name.replace(/\.$/, '').split('.').reverse().join('.')}.`;

function described(name: string, { type, ttlS, values, special }: RecordSet) {
  const plain = { Name: `${name}.`, Type: type };
  if (special) return { ...plain, SetIdentifier: special, Weight: 1, TTL: ttlS };
  return { ...plain, TTL: ttlS, ResourceRecords: values.map((Value) => ({ Value })) };
}

/** Names in the zone are those that `names` lists: a memory zone cannot be walked through. */
function page(zone: MemoryZone, names: readonly string[], input: Input) {
  const from = key(input.StartRecordName ?? '');
  const sets = names
    .flatMap((name) => zone.sets(name).map((set) => ({ name, set })))
    .sort((a, b) => (key(a.name) + a.set.type < key(b.name) + b.set.type ? -1 : 1))
    .filter(({ name }) => key(name) >= from)
    .filter(({ name, set }) => key(name) !== from || set.type >= (input.StartRecordType ?? ''));
  const most = Math.min(input.MaxItems ?? 300, 300);
  const next = sets[most];
  return {
    ResourceRecordSets: sets.slice(0, most).map(({ name, set }) => described(name, set)),
    IsTruncated: next !== undefined,
    ...(next ? { NextRecordName: `${next.name}.`, NextRecordType: next.set.type } : {}),
  };
}

async function change(zone: MemoryZone, { HostedZoneId = '', ChangeBatch }: Input) {
  const Changes = ChangeBatch?.Changes ?? [];
  const batch = Changes.map(
    ({ Action, ResourceRecordSet: { Type, TTL, ResourceRecords } }): RecordChange => ({
      action: Action,
      set: { type: Type, ttlS: TTL, values: ResourceRecords.map(({ Value }) => Value) },
    }),
  );
  const done = await zone.change(HostedZoneId, Changes[0]?.ResourceRecordSet.Name ?? '', batch);
  if (!done.ok) throw refusal('InvalidChangeBatch', 400, done.error.message);
  return { ChangeInfo: { Id: done.value, Status: 'PENDING', SubmittedAt: new Date(0) } };
}

export function createFakeRoute53(
  zone: MemoryZone,
  { zoneId, names, nameServers = [] }: { zoneId: string; names: () => readonly string[]; nameServers?: string[] },
): FakeRoute53 {
  const calls: string[] = [];
  const refusals: { command: string; error: Error }[] = [];
  const answers: Record<string, (input: Input) => Promise<object>> = {
    ListResourceRecordSets: async (input) => page(zone, names(), input),
    ChangeResourceRecordSets: (input) => change(zone, input),
    GetHostedZone: async () => ({
      HostedZone: { Id: zoneId, Config: { PrivateZone: nameServers.length === 0 } },
      DelegationSet: { NameServers: nameServers },
    }),
    GetChange: async ({ Id = '' }) => {
      // The SDK takes the path off before it sends it.
      const spread = await zone.spread(`/change/${Id.split('/').at(-1)}`);
      if (!spread.ok) throw refusal('NoSuchChange', 404, problem(spread).message);
      return { ChangeInfo: { Id, Status: spread.value ? 'INSYNC' : 'PENDING' } };
    },
  };
  const client = createClient(Route53Client, testOptions('http://127.0.0.1:1'));
  const middleware = (_: unknown, context: { commandName?: string }) => async (args: { input: Input }) => {
    const command = String(context.commandName).replace(/Command$/, '');
    calls.push(command);
    const index = refusals.findIndex((each) => each.command === command);
    if (index >= 0) throw refusals.splice(index, 1)[0]?.error;
    const asked = args.input.HostedZoneId ?? (command === 'GetHostedZone' ? args.input.Id : zoneId);
    if (asked !== zoneId) throw refusal('NoSuchHostedZone', 404);
    const output = await answers[command]?.(args.input);
    return { response: {}, output: { $metadata: { httpStatusCode: 200 }, ...output } };
  };
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'high', name: 'fakeRoute53' });
  const refuse = (command: string, name: string, httpStatusCode = 400) =>
    void refusals.push({ command, error: refusal(name, httpStatusCode) });
  return { client, calls, refuse };
}
