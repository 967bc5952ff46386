// A VIP in Route 53 at synth: what the configuration must say, what it warns of, and what the functions may do in the zone.

import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { type ClusterInput, parseCluster } from '../../infra/config';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster } from '../../infra/constructs/protected-cluster';
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

function synthesized(...clusters: ClusterInput[]) {
  const stack = new Stack(new App(), 'platform');
  const controlPlane = new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs });
  for (const [index, cluster] of clusters.entries())
    new ProtectedCluster(stack, `C${index}`, { controlPlane, cluster: { ...cluster, name: `c${index}` } });
  return stack;
}

test.each([
  [30, 0],
  [31, 1],
])('T44: a TTL of %d s is warned of %d times, and not refused', (ttlS, times) => {
  const stack = synthesized(withRecord({ ttlS }));
  const warnings = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('may go on to the old main'));
  expect(warnings).toHaveLength(times);
});

/** Actions on Route 53 with their resources and conditions, by the function that has them. */
function route53Rights(stack: Stack) {
  const policies = Object.entries(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  return policies.flatMap(([id, { Properties }]) =>
    (Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown; Condition?: unknown }[])
      .filter(({ Action }) => String(Action).startsWith('route53:'))
      .map(({ Action, Resource, Condition }) => ({
        function: /Functions([a-z]+)Role/.exec(id)?.[1],
        Action,
        where: JSON.stringify(Resource),
        Condition,
      })),
  );
}

test('the functions may list and change the zone that holds VIPs, by CREATE and DELETE of its own types, and no other zone', () => {
  const rights = route53Rights(synthesized(withRecord(), withRecord({ name: 'other.example.com' })));
  const of = (action: string) => rights.filter(({ Action }) => Action === `route53:${action}`);
  expect(
    of('ChangeResourceRecordSets')
      .map((right) => right.function)
      .sort(),
  ).toEqual(['movevip', 'restorevip', 'withdrawvip']);
  expect(
    of('ListResourceRecordSets')
      .map((right) => right.function)
      .sort(),
  ).toEqual(['checksettle', 'movevip', 'restorevip', 'sweep', 'withdrawvip']);
  expect(of('GetHostedZone').map((right) => right.function)).toEqual(['confirm']);
  expect(of('GetChange').map((right) => right.function)).toEqual(['confirm']);
  for (const { Action, where } of rights)
    expect(where).toContain(
      Action === 'route53:GetChange' ? ':route53:::change/*' : ':route53:::hostedzone/Z0123456789ABCDEFGHIJ',
    );
  for (const { Condition } of of('ChangeResourceRecordSets'))
    expect(Condition).toEqual({
      'ForAllValues:StringEquals': {
        'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'TXT'],
        'route53:ChangeResourceRecordSetsActions': ['CREATE', 'DELETE'],
      },
    });
});

test('a control plane whose clusters have addresses has no right in Route 53', () => {
  expect(route53Rights(synthesized(clusterInput('alpha')))).toEqual([]);
});
