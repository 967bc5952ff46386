// What CloudFormation is given to install a cluster's agents, and that the document would take it.

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { parseCluster } from '../../infra/config';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster } from '../../infra/constructs/protected-cluster';
import { installDocument } from '../../infra/documents';
import { stubFunctions } from '../../infra/stub-functions';
import { clusterInput } from '../support/infra';

const functions = stubFunctions();
const dir = mkdtempSync(join(tmpdir(), 'mainstay-agent-'));
const bundle = join(dir, 'mainstay-agent.js');
writeFileSync(bundle, '// agent');
afterAll(() => {
  functions.remove();
  rmSync(dir, { recursive: true, force: true });
});

const settings = { engine: { dataDir: '/data', binDir: '/bin', socketDir: '/run/pg' } };

function synth(agent?: { settings: Record<string, unknown> }) {
  const stack = new Stack(new App(), 'platform', { env: { region: 'eu-central-1' } });
  const controlPlane = new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs });
  const cluster = { ...clusterInput('alpha'), ...(agent ? { agent } : {}) };
  const protectedCluster = new ProtectedCluster(stack, 'Alpha', { controlPlane, cluster, agentBundle: bundle });
  return { template: Template.fromStack(stack), protectedCluster };
}

let installed: ReturnType<typeof synth>;
beforeAll(() => {
  installed = synth({ settings });
});

test('one association per cluster rolls node by node, at once and twice an hour', () => {
  const { template } = installed;
  template.hasResourceProperties('AWS::SSM::Association', {
    Name: 'platform-install-agent',
    Targets: [{ Key: 'InstanceIds', Values: clusterInput('alpha').nodes.map(({ instanceId }) => instanceId) }],
    ScheduleExpression: 'rate(30 minutes)',
    MaxConcurrency: '1',
    MaxErrors: '1',
    ApplyOnlyAtCronInterval: Match.absent(),
  });
  const [association] = Object.values(template.findResources('AWS::SSM::Association'));
  // After the configuration is in the table and the document is there.
  expect(association?.DependsOn).toHaveLength(2);
});

test('the document takes every parameter that the association gives', () => {
  const { template } = installed;
  const [association] = Object.values(template.findResources('AWS::SSM::Association'));
  const given: Record<string, [unknown]> = association?.Properties.Parameters;
  expect(Object.keys(given).sort()).toEqual(Object.keys(installDocument.parameters).sort());
  const { source, ...plain } = given;
  const wrong = Object.entries(plain).filter(
    ([name, [value]]) => !new RegExp(installDocument.parameters[name]?.allowedPattern ?? '^$').test(String(value)),
  );
  expect(wrong).toEqual([]);
  expect(plain.sha256).toEqual([createHash('sha256').update(readFileSync(bundle)).digest('hex')]);
  expect(JSON.parse(Buffer.from(String(plain.settings), 'base64').toString())).toEqual(settings);
  // The bucket is the bootstrap's; the key is the content's.
  const resolved = String((source?.[0] as Record<string, string> | undefined)?.['Fn::Sub'])
    .replace(/\$\{AWS::AccountId\}/g, '111122223333')
    .replace(/\$\{AWS::Region\}/g, 'eu-central-1');
  expect(resolved).toMatch(new RegExp(installDocument.parameters.source?.allowedPattern ?? '^$'));
  expect(resolved).toMatch(/\/[0-9a-f]{64}\.js$/);
});

test('the nodes need to read one object for it, and no function may send the document', () => {
  const { template, protectedCluster } = installed;
  expect(protectedCluster.agents?.nodeStatements.map((statement) => statement.toJSON())).toEqual([
    { Effect: 'Allow', Action: 's3:GetObject', Resource: expect.anything() },
  ]);
  const documents = Object.values(template.findResources('AWS::SSM::Document'));
  const tagged = documents.filter(({ Properties }) => Properties.Tags).map(({ Properties }) => Properties.Name);
  expect(tagged.sort()).toEqual(['platform-consumer', 'platform-engine-stop', 'platform-poke']);
  expect(documents).toHaveLength(4);
});

test('a cluster without `agent` has no association', () => {
  synth().template.resourceCountIs('AWS::SSM::Association', 0);
});

test('what names a node is refused among the settings of all', () => {
  const faulty = { ...clusterInput('alpha'), agent: { settings: { node: 'db1' } } };
  expect(() => parseCluster(faulty, 'cluster alpha')).toThrow('agent.settings: cluster, node and table are filled in');
});
