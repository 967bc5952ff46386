// The synthesized stack of mainstay.config.ts: what is kept, what starts what, and what the names are.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { functionNames } from '../../infra/bundle';
import { parseConfig } from '../../infra/config';
import { ControlPlaneStack } from '../../infra/control-plane-stack';
import { stubFunctions } from '../../infra/stub-functions';
import { clusterInput } from '../support/infra';

const functions = stubFunctions();
const template = Template.fromStack(
  new ControlPlaneStack(new App(), 'mainstay', {
    config: parseConfig({ clusters: [clusterInput('alpha')] }),
    functionDirs: functions.dirs,
  }),
);
afterAll(functions.remove);

const adapters = join(__dirname, '../../adapters/aws');
const sources = readdirSync(adapters).map((file) => ({ file, text: readFileSync(join(adapters, file), 'utf8') }));

test('every function has a role of its own, which only Lambda may take on', () => {
  const roles = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) =>
    String(Properties.Role['Fn::GetAtt'][0]),
  );
  expect(roles).toHaveLength(functionNames().length);
  expect(new Set(roles).size).toBe(roles.length);
  const trusted = Object.entries(template.findResources('AWS::IAM::Role')).map(([id, { Properties }]) => ({
    expected: roles.includes(id) ? 'lambda.amazonaws.com' : 'states.amazonaws.com',
    statement: Properties.AssumeRolePolicyDocument.Statement,
  }));
  for (const { expected, statement } of trusted)
    expect(statement).toEqual([{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: expected } }]);
});

test('T4, L1: the table is kept, encrypted, recoverable to a point in time, and nothing in it expires', () => {
  template.resourceCountIs('AWS::DynamoDB::GlobalTable', 1);
  template.hasResource('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
    TableName: 'mainstay',
    BillingMode: 'PAY_PER_REQUEST',
    SSESpecification: { SSEEnabled: true },
    Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
  });
});

test('T4: other Regions could join the table: no TTL, no index, no stream, and no adapter uses a transaction or a scan', () => {
  const [table] = Object.values(template.findResources('AWS::DynamoDB::GlobalTable'));
  for (const property of [
    'TimeToLiveSpecification',
    'LocalSecondaryIndexes',
    'GlobalSecondaryIndexes',
    'StreamSpecification',
  ])
    expect(table?.Properties).not.toHaveProperty(property);
  const uses = /Transact\w*Command|IndexName|ScanCommand|BatchWrite\w*Command|StreamArn|ConsistentRead: false/;
  expect(sources.length).toBeGreaterThan(5);
  expect(sources.filter(({ text }) => uses.test(text)).map(({ file }) => file)).toEqual([]);
  // The fleet's turns come and go; a lease is never deleted (L1).
  const deletes = sources.filter(({ text }) => /Delete(Item)?Command/.test(text)).map(({ file }) => file);
  expect(deletes).toEqual(['fleet.ts']);
});

test('logs of functions and state machines are kept for a time, and executions are logged and traced in full', () => {
  for (const { Properties } of Object.values(template.findResources('AWS::Logs::LogGroup')))
    expect(Properties.RetentionInDays).toBe(90);
  const machines = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  expect(machines.length).toBeGreaterThan(0);
  for (const { Properties } of machines)
    expect(Properties).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL' },
    });
  for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function')))
    expect(Properties.TracingConfig).toEqual({ Mode: 'Active' });
});

test('an agent that sees the lease expire reaches dispatch', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { source: [{ prefix: 'mainstay' }], 'detail-type': ['Lease Expired', 'Engine Down'] },
  });
});

test('T50: an execution that ends badly reaches the sweep, and so does the clock', () => {
  const target = { Arn: { 'Fn::GetAtt': [expect.stringContaining('FunctionssweepFunction'), 'Arn'] } };
  const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);
  expect(rules).toContainEqual(
    expect.objectContaining({
      EventPattern: expect.objectContaining({
        source: ['aws.states'],
        detail: expect.objectContaining({ status: ['FAILED', 'TIMED_OUT', 'ABORTED'] }),
      }),
      Targets: [expect.objectContaining(target)],
    }),
  );
  expect(rules).toContainEqual(
    expect.objectContaining({ ScheduleExpression: 'rate(1 minute)', Targets: [expect.objectContaining(target)] }),
  );
});
