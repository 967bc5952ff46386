// The constructs as a library: a control plane in one stack, clusters in others, faults said at synth.

import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ConfigFaulty } from '../../infra/config';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster } from '../../infra/constructs/protected-cluster';
import { stubFunctions } from '../../infra/stub-functions';
import { clusterInput } from '../support/infra';

const functions = stubFunctions();
afterAll(functions.remove);

function controlPlaneIn(app: App) {
  const stack = new Stack(app, 'platform');
  return { stack, controlPlane: new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs }) };
}

test('a cluster may stand in another stack: its configuration is written by the control plane of the first', () => {
  const app = new App();
  const { stack, controlPlane } = controlPlaneIn(app);
  const other = new Stack(app, 'payments');
  const { config } = new ProtectedCluster(other, 'Alpha', { controlPlane, cluster: clusterInput('alpha') });
  const [resource] = Object.values(Template.fromStack(other).findResources('Custom::MainstayCluster'));
  expect(JSON.parse(resource?.Properties.cluster)).toEqual(config);
  expect(resource?.Properties.ServiceToken).toEqual({ 'Fn::ImportValue': expect.stringContaining('platform:') });
  Template.fromStack(stack).resourceCountIs('Custom::MainstayCluster', 0);
});

test('each cluster has a custom resource of its own, and everything is named after the control plane', () => {
  const app = new App();
  const { stack, controlPlane } = controlPlaneIn(app);
  for (const name of ['alpha', 'beta'])
    new ProtectedCluster(stack, name, { controlPlane, cluster: clusterInput(name) });
  const template = Template.fromStack(stack);
  template.resourceCountIs('Custom::MainstayCluster', 2);
  template.hasResourceProperties('AWS::DynamoDB::GlobalTable', { TableName: 'platform' });
  template.hasResourceProperties('AWS::StepFunctions::StateMachine', { StateMachineName: 'platform-failover' });
  template.hasResourceProperties('AWS::Lambda::Function', { FunctionName: 'platform-fence' });
  template.hasResourceProperties('AWS::SSM::Document', { Name: 'platform-poke' });
});

test('a faulty cluster is refused at synth, with every fault and its path', () => {
  const { stack, controlPlane } = controlPlaneIn(new App());
  const faulty = { ...clusterInput('alpha'), name: 'Alpha', fence: [] };
  const make = () => new ProtectedCluster(stack, 'Alpha', { controlPlane, cluster: faulty });
  expect(make).toThrow(
    new ConfigFaulty(
      'cluster Alpha has 2 faults:\n' +
        '  name: a cluster name is lower-case letters, digits and dashes\n' +
        '  fence: without a rung on the fence ladder nobody could ever be promoted',
    ),
  );
});

test('two clusters of one name under one control plane are refused', () => {
  const { stack, controlPlane } = controlPlaneIn(new App());
  new ProtectedCluster(stack, 'One', { controlPlane, cluster: clusterInput('alpha') });
  expect(() => new ProtectedCluster(stack, 'Two', { controlPlane, cluster: clusterInput('alpha') })).toThrow(
    "control plane platform has a cluster 'alpha' already",
  );
});
