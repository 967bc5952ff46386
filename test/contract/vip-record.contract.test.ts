// Vip, a record in Route 53: the same algorithm over a zone in memory, over the SDK before a fake endpoint, and over the emulator, whose
// zones refuse a DELETE that does not state what is there: public and private ones.

import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { createClient } from '../../adapters/aws/clients';
import { createRoute53Vip } from '../../adapters/aws/route53-vip';
import { createMemoryRecordVip, createMemoryZone } from '../../adapters/memory/zone';
import type { ClusterConfig, Route53VipConfig } from '../../core/model';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { createFakeRoute53 } from '../support/fake-route53';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { hastyClock } from '../support/hasty-clock';
import { aConfig, aNode } from '../support/samples';
import { vipContract, type Whereabouts } from './suites/vip';
import { marker, type PlainRecord, type RecordSubject, recordVip, recordVipContract } from './suites/vip-record';

const calls = { reads: ['list'], writes: ['change'] };
const name = 'db.example.com';
const stranger = '198.51.100.99';
const silent = { ask: async () => null };

const configOf = (vip: Route53VipConfig): ClusterConfig =>
  aConfig('shop', {
    vip,
    nodes: ['db1', 'db2', 'db3'].map((node, index) => aNode(node, { host: `192.0.2.1${index + 1}` })),
  });

type Sets = Parameters<RecordSubject['put']>[0];

/** What the suites need of a zone besides the Vip, from what can be seen of it and put into it. */
function aroundZone(
  vip: Route53VipConfig,
  sets: () => Promise<PlainRecord[]>,
  put: (sets: Sets) => Promise<void>,
): Omit<RecordSubject, 'vip' | 'script'> {
  const config = configOf(vip);
  const addressOf = (to: Whereabouts) => config.nodes.find((node) => node.name === to)?.host ?? stranger;
  const seen = async () => {
    const found = await sets();
    const text = found.find(({ type }) => type === 'TXT')?.values[0] ?? '';
    const [, epoch = '0', holder = 'none', change = '0'] = /epoch=(\d+) holder=(\S+) change=(\d+)/.exec(text) ?? [];
    return {
      address: found.find(({ type }) => type === 'A')?.values[0],
      epoch: Number(epoch),
      holder,
      change: Number(change),
    };
  };
  return {
    ...{ config, calls, sets, put },
    wrong: { ...config, vip: { ...vip, hostedZoneId: 'Z0000000000' } },
    reach: async () => undefined,
    steal: async (to) => {
      const { epoch, holder, change } = await seen();
      const now = to === 'stranger' ? marker(epoch, holder, change) : marker(epoch, String(to), change + 1);
      const address = { type: 'A', ttlS: 5, values: [addressOf(to)] };
      await put(to === null ? [] : [address, { type: 'TXT', ttlS: 5, values: [now] }]);
    },
    target: async () => {
      const { address, holder } = await seen();
      if (address === undefined || holder === 'none') return null;
      return config.nodes.find(({ host }) => host === address)?.name ?? 'stranger';
    },
  };
}

const asInMemory = (sets: Sets) =>
  sets.map((set) => ({
    ...{ ttlS: 5, values: [], special: null },
    ...set,
    ...('weighted' in set ? { special: set.weighted } : 'alias' in set ? { special: set.alias } : {}),
  }));

async function inMemory(): Promise<RecordSubject> {
  const script = createFaultScript();
  const vip = recordVip();
  const zone = createMemoryZone({ zoneId: vip.hostedZoneId, faults: script });
  const around = aroundZone(
    vip,
    async () => zone.sets(name),
    async (sets) => zone.put(name, asInMemory(sets)),
  );
  return { ...around, script, vip: createMemoryRecordVip(zone, hastyClock(), silent) };
}

async function overFake(): Promise<RecordSubject> {
  const script = createFaultScript();
  const vip = recordVip();
  const zone = createMemoryZone({ zoneId: vip.hostedZoneId });
  const { client } = createFakeRoute53(zone, { zoneId: vip.hostedZoneId, names: () => [name] });
  injectFaults(client, script);
  const around = aroundZone(
    vip,
    async () => zone.sets(name),
    async (sets) => zone.put(name, asInMemory(sets)),
  );
  const options = { clock: hastyClock(), nameServers: silent, askMs: 500, getChangeMs: 2000 };
  return { ...around, script, vip: createRoute53Vip(client, options) };
}

vipContract('memory', calls, inMemory);
recordVipContract('memory', inMemory);
vipContract('fake Route 53', calls, overFake);
recordVipContract('fake Route 53', overFake);

describe('on the emulator', () => {
  let cloud: Cloud;
  let emulator: Route53Client;
  let zones = 0;
  beforeAll(async () => {
    cloud = await startCloud();
    emulator = createClient(Route53Client, cloud.options);
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  const asSet = (set: Sets[number]): ResourceRecordSet => {
    const named = { Name: name, Type: set.type as 'A' };
    if ('alias' in set)
      return {
        ...named,
        AliasTarget: { DNSName: set.alias, HostedZoneId: 'Z35SXDOTRQ7X7K', EvaluateTargetHealth: false },
      };
    if ('weighted' in set)
      return { ...named, SetIdentifier: set.weighted, Weight: 1, TTL: 5, ResourceRecords: [{ Value: '192.0.2.11' }] };
    return { ...named, TTL: set.ttlS, ResourceRecords: set.values.map((Value) => ({ Value })) };
  };

  const setsIn = async (HostedZoneId: string): Promise<ResourceRecordSet[]> => {
    const listed = await emulator.send(new ListResourceRecordSetsCommand({ HostedZoneId }));
    return (listed.ResourceRecordSets ?? []).filter(({ Name }) => Name === `${name}.`);
  };

  async function put(HostedZoneId: string, sets: Sets): Promise<void> {
    const Changes = [
      ...(await setsIn(HostedZoneId)).map((ResourceRecordSet) => ({ Action: 'DELETE' as const, ResourceRecordSet })),
      ...sets.map((set) => ({ Action: 'CREATE' as const, ResourceRecordSet: asSet(set) })),
    ];
    await emulator.send(new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch: { Changes } }));
  }

  const plain = ({ Type, TTL, ResourceRecords }: ResourceRecordSet): PlainRecord => ({
    type: String(Type),
    ttlS: TTL ?? 0,
    values: (ResourceRecords ?? []).map(({ Value }) => String(Value)),
  });

  const over = (inside: boolean) => async (): Promise<RecordSubject> => {
    zones += 1;
    const created = await emulator.send(
      new CreateHostedZoneCommand({
        Name: 'example.com',
        CallerReference: `zone-${zones}`,
        HostedZoneConfig: { PrivateZone: inside },
        ...(inside ? { VPC: { VPCRegion: 'us-east-1', VPCId: 'vpc-0123456789abcdef0' } } : {}),
      }),
    );
    const hostedZoneId = String(created.HostedZone?.Id).split('/').at(-1) ?? '';
    const script = createFaultScript();
    const client = createClient(Route53Client, cloud.options);
    injectFaults(client, script);
    const around = aroundZone(
      recordVip({ hostedZoneId, private: inside }),
      async () => (await setsIn(hostedZoneId)).map(plain),
      (sets) => put(hostedZoneId, sets),
    );
    const options = { clock: hastyClock(), nameServers: silent, askMs: 500, getChangeMs: 2000 };
    return { ...around, script, vip: createRoute53Vip(client, options) };
  };

  vipContract('Route 53, public zone', calls, over(false));
  recordVipContract('Route 53, public zone', over(false));
  vipContract('Route 53, private zone', calls, over(true));
  recordVipContract('Route 53, private zone', over(true));
});
