// cdk-nag's AWS Solutions rules over the examples: nothing open, and nothing acknowledged that is not found.

import { App } from 'aws-cdk-lib';
import { threeInstances } from '../../infra/examples/three-instances';
import { judged, nag } from '../../infra/nag';
import { stubFunctions } from '../../infra/stub-functions';

test('with every option on no finding is open, each that stays is acknowledged, and none is that is not found', () => {
  const { open, acknowledged, idle } = nag();
  expect({ open, idle }).toEqual({ open: [], idle: [] });
  expect(acknowledged).toBeGreaterThan(50);
});

test('the example for three existing instances synthesizes without an account and has no open finding', () => {
  const functions = stubFunctions();
  const app = new App();
  const { orders } = threeInstances(app, { functionDirs: functions.dirs });
  functions.remove();
  expect(judged(app).open).toEqual([]);
  const { template } = app.synth().getStackByName(orders.stackName);
  const types = Object.values(template.Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
  expect(types.filter((type) => !type.startsWith('AWS::CDK')).sort()).toEqual([
    'AWS::CloudWatch::Alarm',
    'AWS::IAM::ManagedPolicy',
    'Custom::MainstayCluster',
  ]);
});
