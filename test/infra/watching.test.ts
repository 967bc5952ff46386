// Alarms, notices, dead letters and dashboards as they are synthesized: each linked to the runbook, told to somebody, and nothing lost silently.

import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { triggerTypes } from '../../adapters/aws/trigger-events';
import { readAlarmName } from '../../core/triggers';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster, type ProtectedClusterProps } from '../../infra/constructs/protected-cluster';
import type { WatchingProps } from '../../infra/constructs/watching';
import { stubFunctions } from '../../infra/stub-functions';
import { clusterInput } from '../support/infra';

const functions = stubFunctions();
afterAll(functions.remove);

const propertiesOf = <T = Record<string, string>>(template: Template, type: string): T[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties as T);

interface AlarmProperties {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions: object[];
  OKActions: object[];
  TreatMissingData: string;
}
const alarmsIn = (template: Template) => propertiesOf<AlarmProperties>(template, 'AWS::CloudWatch::Alarm');

function synthesized(watching: WatchingProps, cluster: ProtectedClusterProps['watching'] = {}): Template {
  const stack = new Stack(new App(), 'mainstay');
  const controlPlane = new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs, watching });
  new ProtectedCluster(stack, 'Alpha', { controlPlane, cluster: clusterInput('alpha'), watching: cluster });
  return Template.fromStack(stack);
}

const full = synthesized({
  alarms: 'full',
  emails: ['ops@example.com'],
  https: ['https://pager.example.com/mainstay'],
  runbookUrl: 'https://wiki.example.com/runbook',
});
const namesIn = (template: Template) => alarmsIn(template).map(({ AlarmName }) => AlarmName);

test('every alarm links to its section of the runbook and tells the topic when it rings and when it is over', () => {
  const alarms = alarmsIn(full);
  expect(alarms.length).toBeGreaterThan(20);
  for (const { AlarmName, AlarmDescription, AlarmActions, OKActions } of alarms) {
    const [, section = 'none'] = /https:\/\/wiki\.example\.com\/runbook#([a-z-]+)$/.exec(AlarmDescription) ?? [];
    expect(readAlarmName(AlarmName).what).toMatch(new RegExp(`^${section}`));
    expect(AlarmActions).toEqual([{ Ref: expect.stringContaining('Topic') }]);
    expect(OKActions).toEqual(AlarmActions);
  }
});

test('lean has one alarm per cluster, full three status checks for each node as well, named for whom they concern', () => {
  const ofCluster = (template: Template) => namesIn(template).filter((name) => readAlarmName(name).cluster);
  expect(ofCluster(synthesized({}))).toEqual(['mainstay/alpha/no-main']);
  const nodes = clusterInput('alpha').nodes.map(({ name }) => name);
  expect(ofCluster(full).sort()).toEqual(
    [
      'mainstay/alpha/no-main',
      'mainstay/alpha/silent-nodes',
      ...nodes.flatMap((node) =>
        ['system', 'instance', 'volume'].map((what) => `mainstay/alpha/${node}/${what}-check`),
      ),
    ].sort(),
  );
  expect(ofCluster(synthesized({ alarms: 'full' }, { alarms: 'lean' }))).toEqual(['mainstay/alpha/no-main']);
});

test('no figure at all is taken for silence by the backstop and by the rounds, and by no other alarm', () => {
  const missing = alarmsIn(full).filter(({ TreatMissingData }) => TreatMissingData === 'breaching');
  expect(missing.map(({ AlarmName }) => AlarmName)).toEqual(['mainstay/not-ready', 'mainstay/alpha/no-main']);
});

test('every event that is understood reaches dispatch by a rule, and nothing else does', () => {
  const rules = propertiesOf(full, 'AWS::Events::Rule') as {
    EventPattern?: Record<string, string[]>;
    Targets: { Arn: object }[];
  }[];
  const toDispatch = rules.filter(
    ({ EventPattern, Targets }) => EventPattern && Targets.some(({ Arn }) => JSON.stringify(Arn).includes('dispatch')),
  );
  const types = toDispatch.flatMap(({ EventPattern }) => EventPattern?.['detail-type'] ?? []);
  expect(types.filter((type) => type !== 'Lease Overdue').sort()).toEqual([...triggerTypes].sort());
});

test("T67: only this control plane's alarms that ring, and only instances that go down, are sent", () => {
  full.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.cloudwatch'],
      detail: { alarmName: [{ prefix: 'mainstay/' }], state: { value: ['ALARM'] } },
    },
  });
  full.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { source: ['aws.ec2'], detail: { state: ['stopping', 'stopped', 'shutting-down', 'terminated'] } },
  });
});

test('T47: what EventBridge, Lambda or the topic cannot deliver lies in an encrypted queue, and the queue rings', () => {
  const rules = propertiesOf(full, 'AWS::Events::Rule') as {
    Description: string;
    Targets: { DeadLetterConfig?: object }[];
  }[];
  const without = rules.filter(({ Targets }) => Targets.some(({ DeadLetterConfig }) => !DeadLetterConfig));
  expect(new Set(without.map(({ Description }) => Description))).toEqual(
    new Set(['These functions may be needed in a moment']),
  );
  const asynchronous = propertiesOf(full, 'AWS::Lambda::EventInvokeConfig');
  expect(asynchronous).toHaveLength(5);
  for (const { DestinationConfig } of asynchronous) expect(JSON.stringify(DestinationConfig)).toContain('Undelivered');
  full.hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'https',
    RedrivePolicy: { deadLetterTargetArn: {} },
  });
  full.hasResourceProperties('AWS::SQS::Queue', { QueueName: 'mainstay-undelivered', SqsManagedSseEnabled: true });
  expect(namesIn(full)).toContain('mainstay/undelivered');
});

test("a node's notice is told in the name that IAM lets it use, not in the one that it gives itself", () => {
  const rules = propertiesOf(full, 'AWS::Events::Rule') as {
    EventPattern?: { source: unknown[]; 'detail-type': string[] };
    Targets: { InputTransformer?: { InputPathsMap: Record<string, string> } }[];
  }[];
  const told = rules.filter(({ EventPattern }) => EventPattern?.['detail-type'].includes('Attention Needed'));
  const about = told.map(({ EventPattern, Targets }) => [
    EventPattern?.source,
    Object.values(Targets[0]?.InputTransformer?.InputPathsMap ?? {}).filter((path) => /cluster|source/.test(path)),
  ]);
  expect(about).toEqual([
    [['mainstay'], ['$.detail.cluster']],
    [[{ prefix: 'mainstay.' }], ['$.source']],
  ]);
});

test('people are told in a sentence with what to do next and where the runbook goes on, over an encrypted topic', () => {
  const notices = propertiesOf(full, 'AWS::Events::Rule').find(({ EventPattern }) =>
    JSON.stringify(EventPattern ?? {}).includes('Attention Needed'),
  ) as unknown as { Targets: { InputTransformer: { InputTemplate: string; InputPathsMap: Record<string, string> } }[] };
  const { InputTemplate, InputPathsMap } = notices.Targets[0]?.InputTransformer ?? {
    InputTemplate: '',
    InputPathsMap: {},
  };
  expect(Object.values(InputPathsMap).sort()).toEqual(
    ['$.detail-type', '$.detail.because', '$.detail.cluster', '$.detail.next', '$.detail.section'].sort(),
  );
  expect(InputTemplate).toContain('. Next: <');
  expect(InputTemplate).toContain('https://wiki.example.com/runbook#<');
  full.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: {} });
  const policy = JSON.stringify(propertiesOf(full, 'AWS::SNS::TopicPolicy'));
  for (const who of ['cloudwatch.amazonaws.com', 'events.amazonaws.com']) expect(policy).toContain(who);
  expect(policy).toContain('"aws:SecureTransport":"false"');
  full.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
});

describe('webhooks', () => {
  const webhooks = [
    { name: 'chat', url: { secret: 'mainstay/chat', field: 'url' } },
    { name: 'pager', url: 'https://pager.example.com/v2/enqueue', key: { secret: 'mainstay/pager' }, perSecond: 5 },
  ];
  const emails = ['ops@example.com'];
  const told = synthesized({ emails, webhooks, runbookUrl: 'https://wiki.example.com/runbook' });
  interface Target {
    Arn: { 'Fn::GetAtt'?: string[] };
    InputTransformer?: { InputTemplate: string; InputPathsMap: Record<string, string> };
    DeadLetterConfig?: { Arn: { 'Fn::GetAtt': string[] } };
    RetryPolicy?: object;
  }
  const rules = propertiesOf<{ EventPattern?: object; Targets: Target[] }>(told, 'AWS::Events::Rule');
  const isWebhook = ({ Arn }: Target) => /Webhooks(chat|pager)/.test(Arn['Fn::GetAtt']?.[0] ?? '');
  const noticeRules = rules.filter(({ EventPattern }) =>
    JSON.stringify(EventPattern ?? {}).includes('Attention Needed'),
  );

  test('each is told of whatever the topic is told of, and of nothing else', () => {
    expect(noticeRules).toHaveLength(2);
    for (const { Targets } of noticeRules) expect(Targets.map(isWebhook)).toEqual([false, true, true]);
    expect(rules.filter(({ Targets }) => Targets.some(isWebhook))).toEqual(noticeRules);
  });

  test('a notice is JSON: a sentence as text, and its parts', () => {
    const [target] = noticeRules[0]?.Targets.filter(isWebhook) ?? [];
    const { InputTemplate = '', InputPathsMap = {} } = target?.InputTransformer ?? {};
    // As EventBridge does it: within quotes the value, elsewhere the value as JSON; nothing is escaped.
    const values: Record<string, string> = {
      ...{ '$.detail-type': 'Attention Needed', '$.detail.cluster': 'alpha', '$.detail.because': 'db1 is silent' },
      ...{ '$.detail.next': 'mainstay status alpha', '$.detail.section': 'no-main' },
    };
    const json = Object.entries(InputPathsMap).reduce(
      (text, [name, path]) =>
        text.replaceAll(`:<${name}>`, `:"${values[path]}"`).replaceAll(`<${name}>`, values[path] ?? ''),
      InputTemplate,
    );
    const runbook = 'https://wiki.example.com/runbook#no-main';
    expect(JSON.parse(json)).toEqual({
      text: `Attention Needed: alpha: db1 is silent. Next: mainstay status alpha. ${runbook}`,
      ...{ cluster: 'alpha', type: 'Attention Needed', because: 'db1 is silent' },
      ...{ next: 'mainstay status alpha', runbook },
    });
  });

  test('T47: what one does not take after bounded tries lies in the queue that rings', () => {
    const targets = noticeRules.flatMap(({ Targets }) => Targets.filter(isWebhook));
    expect(targets).toHaveLength(4);
    for (const { DeadLetterConfig, RetryPolicy } of targets) {
      expect(DeadLetterConfig?.Arn['Fn::GetAtt'][0]).toContain('Undelivered');
      expect(RetryPolicy).toEqual({ MaximumRetryAttempts: 10, MaximumEventAgeInSeconds: 3600 });
    }
    expect(alarmsIn(told).map(({ AlarmName }) => AlarmName)).toContain('mainstay/undelivered');
    const [policy] = propertiesOf<{ PolicyDocument: { Statement: { Sid?: string }[] } }>(told, 'AWS::SQS::QueuePolicy');
    const sids = (policy?.PolicyDocument.Statement ?? []).flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
    expect(new Set(sids).size).toBe(sids.length);
  });

  test('the template has the names of secrets only, and a rate for each webhook', () => {
    const destinations = propertiesOf<object>(told, 'AWS::Events::ApiDestination');
    expect(destinations).toMatchObject([
      {
        ...{ Name: 'mainstay-chat', HttpMethod: 'POST', InvocationRateLimitPerSecond: 1 },
        InvocationEndpoint: '{{resolve:secretsmanager:mainstay/chat:SecretString:url::}}',
      },
      { InvocationEndpoint: 'https://pager.example.com/v2/enqueue', InvocationRateLimitPerSecond: 5 },
    ]);
    expect(propertiesOf<object>(told, 'AWS::Events::Connection')).toMatchObject([
      { AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'X-Mainstay', ApiKeyValue: 'mainstay' } } },
      {
        AuthParameters: {
          ApiKeyAuthParameters: {
            ApiKeyName: 'Authorization',
            ApiKeyValue: '{{resolve:secretsmanager:mainstay/pager:SecretString:::}}',
          },
        },
      },
    ]);
  });

  test('a construct that is given a faulty one, or webhooks alone, ends the synthesis and says why', () => {
    const url = 'http://chat.example.com';
    expect(() => synthesized({ emails, webhooks: [{ name: 'chat', url }] })).toThrow('https only');
    expect(() => synthesized({ webhooks })).toThrow('a webhook needs somebody in emails or https beside it');
  });
});

test('the control plane has a dashboard, a cluster one when it asks for it', () => {
  expect(propertiesOf(full, 'AWS::CloudWatch::Dashboard').map(({ DashboardName }) => DashboardName)).toEqual([
    'mainstay',
  ]);
  const both = propertiesOf(synthesized({}, { dashboard: true }), 'AWS::CloudWatch::Dashboard');
  expect(both.map(({ DashboardName }) => DashboardName).sort()).toEqual(['mainstay', 'mainstay-alpha']);
  const body = JSON.stringify(both);
  for (const shown of ['HeartbeatAgeMs', 'StepMs', 'ExecutionsFailed', 'ConsumedReadCapacityUnits'])
    expect(body).toContain(shown);
});

test('heartbeats publishes the second metric only where somebody pays for its alarm', () => {
  const modeOf = (template: Template) =>
    (
      propertiesOf(template, 'AWS::Lambda::Function') as unknown as {
        FunctionName: string;
        Environment: { Variables: Record<string, string> };
      }[]
    ).find(({ FunctionName }) => FunctionName === 'mainstay-heartbeats')?.Environment.Variables.MAINSTAY_ALARMS;
  expect([modeOf(full), modeOf(synthesized({}))]).toEqual(['full', 'lean']);
});
