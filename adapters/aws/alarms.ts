// The control plane's alarms in CloudWatch, found by the beginning of their names. Port: Alarms. Reads only.

import { type CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { Alarms, Outside, RingingAlarm } from '../../core/ports';
import { ok } from '../../core/result';
import { asked } from './outside';

async function ringing(client: CloudWatchClient, plane: string): Outside<RingingAlarm[]> {
  const found: RingingAlarm[] = [];
  let NextToken: string | undefined;
  do {
    const command = new DescribeAlarmsCommand({
      AlarmNamePrefix: `${plane}/`,
      AlarmTypes: ['MetricAlarm'],
      StateValue: 'ALARM',
      ...(NextToken ? { NextToken } : {}),
    });
    const page = await asked('cloudwatch:DescribeAlarms', () => client.send(command));
    if (!page.ok) return page;
    for (const { AlarmName = '', AlarmDescription = '' } of page.value.MetricAlarms ?? [])
      found.push({ name: AlarmName, description: AlarmDescription });
    NextToken = page.value.NextToken;
  } while (NextToken);
  return ok(found);
}

export const createAlarms = (client: CloudWatchClient, plane: string): Alarms => ({
  ringing: () => ringing(client, plane),
});
