// The alarms that a doctor reads, as the emulator has them: those that ring, of this control plane and no other, on every page.

import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { createAlarms } from '../../adapters/aws/alarms';
import { createClient } from '../../adapters/aws/clients';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { problem, value } from '../support/samples';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
  const client = createClient(CloudWatchClient, cloud.options);
  for (const [AlarmName, StateValue] of [
    ['mainstay/undelivered', 'ALARM'],
    ['mainstay/alpha/no-main', 'OK'],
    ['mainstay/alpha/db1/system-check', 'ALARM'],
    ['mainstay-two/undelivered', 'ALARM'],
  ] as const) {
    const AlarmDescription = `means ${AlarmName}. docs/runbook.md#there`;
    const rule = { Threshold: 1, EvaluationPeriods: 1, Period: 60, Statistic: 'Sum' } as const;
    const metric = { Namespace: 'Mainstay', MetricName: 'x', ComparisonOperator: 'GreaterThanThreshold' } as const;
    await client.send(new PutMetricAlarmCommand({ AlarmName, AlarmDescription, ...rule, ...metric }));
    await client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'a test' }));
  }
}, cloudStartMs);
afterAll(() => cloud?.stop());

test('those that ring, of this control plane', async () => {
  const ringing = value(await createAlarms(createClient(CloudWatchClient, cloud.options), 'mainstay').ringing());
  expect(ringing.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
    {
      name: 'mainstay/alpha/db1/system-check',
      description: 'means mainstay/alpha/db1/system-check. docs/runbook.md#there',
    },
    { name: 'mainstay/undelivered', description: 'means mainstay/undelivered. docs/runbook.md#there' },
  ]);
});

test('page by page', async () => {
  const client = createClient(CloudWatchClient, cloud.options);
  const tokens: unknown[] = [];
  // CloudWatch gives a hundred at once at most.
  const paged = () => async (args: { input: { NextToken?: string } }) => {
    tokens.push(args.input.NextToken);
    const page = tokens.length;
    const MetricAlarms = [{ AlarmName: `mainstay/alarm-${page}` }];
    return {
      response: {},
      output: { $metadata: {}, MetricAlarms, ...(page < 3 ? { NextToken: `page-${page + 1}` } : {}) },
    };
  };
  client.middlewareStack.add(paged as never, { step: 'initialize', name: 'paged' });
  const ringing = value(await createAlarms(client, 'mainstay').ringing());
  expect(ringing.map(({ name }) => name)).toEqual(['mainstay/alarm-1', 'mainstay/alarm-2', 'mainstay/alarm-3']);
  expect(tokens).toEqual([undefined, 'page-2', 'page-3']);
});

test('a CloudWatch that does not answer is Unreachable', async () => {
  const client = createClient(CloudWatchClient, cloud.options);
  const script = createFaultScript();
  injectFaults(client, script);
  script.next('DescribeAlarms', 'timeout-before');
  expect(problem(await createAlarms(client, 'mainstay').ringing())).toMatchObject({
    code: 'Unreachable',
    details: { action: 'cloudwatch:DescribeAlarms' },
  });
});
