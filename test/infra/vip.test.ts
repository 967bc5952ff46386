// A VIP in Route 53 at synth: what the configuration must say, what it warns of, and what the functions may do in the zone.

import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { type ClusterInput, parseCluster, parseConfig } from '../../infra/config';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster } from '../../infra/constructs/protected-cluster';
import { ControlPlaneStack } from '../../infra/control-plane-stack';
import { iamRows } from '../../infra/iam-rows';
import { stubFunctions } from '../../infra/stub-functions';
import { clusterInput } from '../support/infra';

const functions = stubFunctions();
afterAll(functions.remove);

const record = { kind: 'route53' as const, hostedZoneId: 'Z0123456789ABCDEFGHIJ', name: 'db.example.com' };

const withRecord = (vip: object = {}, nodes: object[] = [{}, {}]): ClusterInput => {
  const cluster = clusterInput('alpha');
  const addressed = cluster.nodes
    .slice(0, nodes.length)
    .map((node, index) => ({ ...node, host: `10.0.0.${index + 1}`, ...nodes[index] }));
  return { ...cluster, nodes: addressed, vip: { ...record, ...vip } };
};

test('a record gets its defaults: clients connect to its name, and keep it for 5 s', () => {
  expect(parseCluster(withRecord(), 'it').vip).toEqual({
    ...record,
    host: 'db.example.com',
    port: 5432,
    ttlS: 5,
    private: false,
  });
});

test.each([
  [
    'a node whose host is a name',
    withRecord({}, [{ host: 'db1.internal' }, {}]),
    "nodes[0].host: a VIP in Route 53 needs the node's IP address",
  ],
  ['nodes of two families', withRecord({}, [{}, { host: '2001:db8::2' }]), 'must be IPv4, or all IPv6'],
  [
    'two nodes at one address',
    withRecord({}, [{ vipAddress: '10.0.0.9' }, { vipAddress: '10.0.0.9' }]),
    'could not tell which it is at',
  ],
  [
    'a vipAddress that is a name',
    withRecord({}, [{ vipAddress: 'db1' }, {}]),
    'nodes[0].vipAddress: must be an IP address',
  ],
  ['a name with capitals', withRecord({ name: 'DB.example.com' }), 'vip.name: must be a full name, lower case'],
  ['a name with its last dot', withRecord({ name: 'db.example.com.' }), 'vip.name: must be a full name'],
  [
    'an id that is no zone',
    withRecord({ hostedZoneId: 'example.com' }),
    'vip.hostedZoneId: a hosted zone id looks like',
  ],
  ['a TTL of nothing', withRecord({ ttlS: 0 }), 'vip.ttlS'],
])('%s is refused with a sentence', (_, cluster, told) => {
  expect(() => parseCluster(cluster, 'it')).toThrow(told);
});

test('vipAddress stands for a host that is a name', () => {
  const { nodes } = parseCluster(withRecord({}, [{ host: 'db1.internal', vipAddress: '10.0.0.1' }, {}]), 'it');
  expect(nodes[0]).toMatchObject({ host: 'db1.internal', vipAddress: '10.0.0.1' });
});

const config = (...clusters: ClusterInput[]) =>
  parseConfig({ clusters: clusters.map((cluster, index) => ({ ...cluster, name: `c${index}` })) });

const synthesized = (...clusters: ClusterInput[]) =>
  new ControlPlaneStack(new App(), 'platform', { config: config(...clusters), functionDirs: functions.dirs });

test.each([
  [30, 0],
  [31, 1],
])('T44: a TTL of %d s is warned of %d times, and not refused', (ttlS, times) => {
  const stack = synthesized(withRecord({ ttlS }));
  const warnings = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('may go on to the old main'));
  expect(warnings).toHaveLength(times);
});

const route53Rows = (stack: ControlPlaneStack) =>
  iamRows(stack.node.root).filter(({ action }) => action.startsWith('route53:'));

test('the functions may list and change the zone that holds VIPs, by CREATE and DELETE of its own names and types, and no other', () => {
  const rows = route53Rows(synthesized(withRecord(), withRecord({ name: 'other.example.com' })));
  const holders = (action: string) =>
    rows
      .filter((row) => row.action === `route53:${action}`)
      .map(({ holder }) => holder)
      .sort();
  expect(holders('ChangeResourceRecordSets')).toEqual(['move-vip', 'restore-vip', 'withdraw-vip']);
  const lookers = ['check-settle', 'move-vip', 'restore-vip', 'sweep', 'withdraw-vip'];
  expect(holders('ListResourceRecordSets')).toEqual(lookers);
  expect(holders('GetHostedZone')).toEqual(['confirm']);
  expect(holders('GetChange')).toEqual(['confirm']);
  for (const { action, resource, condition } of rows) {
    expect(resource).toContain(action === 'route53:GetChange' ? 'change/*' : 'hostedzone/Z0123456789ABCDEFGHIJ');
    if (action === 'route53:ChangeResourceRecordSets')
      expect(condition).toMatch(/CREATE or DELETE.*db.example.com or other.example.com/);
  }
});

test('a control plane whose clusters have addresses has no right in Route 53', () => {
  expect(route53Rows(synthesized(clusterInput('alpha')))).toEqual([]);
});

test('a cluster whose zone its control plane may not change is refused at synth', () => {
  const stack = new Stack(new App(), 'platform');
  const controlPlane = new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs });
  expect(() => new ProtectedCluster(stack, 'Alpha', { controlPlane, cluster: withRecord() })).toThrow(
    "add { id: 'Z0123456789ABCDEFGHIJ' } to hostedZones",
  );
});
