// Events as EventBridge delivers them, one of each trigger, in the shapes that AWS documents: EC2 User Guide (state changes, spot
// interruption notices, rebalance recommendations), CloudWatch User Guide (alarm events), AWS Health User Guide (event schema).
// To be sent through a bus that takes them, or handed to `dispatch` as they are.

import type { AwsEvent } from '../../adapters/aws/trigger-events';
import { eventSource } from '../../core/triggers';

export interface SampleEvent extends AwsEvent {
  version: '0';
  account: string;
  region: string;
  resources: string[];
}

const account = '111122223333';
const region = 'us-east-1';
export const eventTime = '2026-01-01T00:00:00Z';

const event = (
  source: string,
  type: string,
  resources: string[],
  detail: unknown,
  time: string = eventTime,
): SampleEvent => ({
  version: '0',
  id: '7bf73129-1428-4cd3-a780-95db273d1602',
  'detail-type': type,
  source,
  account,
  time,
  region,
  resources,
  detail,
});

const instanceArn = (instanceId: string) => `arn:aws:ec2:${region}:${account}:instance/${instanceId}`;

export const stateChange = (instanceId: string, state: string, time?: string): SampleEvent =>
  event(
    'aws.ec2',
    'EC2 Instance State-change Notification',
    [instanceArn(instanceId)],
    { 'instance-id': instanceId, state },
    time,
  );

/** Its ARN names the zone and no account: that is how EC2 writes it here. */
export const spotInterruption = (instanceId: string, action = 'terminate', time?: string): SampleEvent =>
  event(
    'aws.ec2',
    'EC2 Spot Instance Interruption Warning',
    [`arn:aws:ec2:${region}a:instance/${instanceId}`],
    { 'instance-id': instanceId, 'instance-action': action },
    time,
  );

export const rebalance = (instanceId: string, time?: string): SampleEvent =>
  event(
    'aws.ec2',
    'EC2 Instance Rebalance Recommendation',
    [instanceArn(instanceId)],
    { 'instance-id': instanceId },
    time,
  );

export const health = (
  instanceIds: readonly string[],
  code: string,
  category: 'scheduledChange' | 'issue' | 'accountNotification',
  more: Record<string, unknown> = {},
): SampleEvent =>
  event('aws.health', 'AWS Health Event', [...instanceIds], {
    eventArn: `arn:aws:health:${region}::event/EC2/${code}/${code}_90353408594353980`,
    service: 'EC2',
    eventTypeCode: code,
    eventTypeCategory: category,
    eventScopeCode: 'ACCOUNT_SPECIFIC',
    communicationId: '4826e1b01e4eed2b0f117c54306d907c713586799d76d487c9132a40149ac107-1',
    startTime: 'Thu, 15 Jan 2026 13:19:03 GMT',
    endTime: 'Thu, 15 Jan 2026 15:19:03 GMT',
    lastUpdatedTime: 'Thu, 01 Jan 2026 00:00:00 GMT',
    statusCode: category === 'issue' ? 'open' : 'upcoming',
    eventRegion: region,
    eventDescription: [{ language: 'en_US', latestDescription: 'A description of the event will be provided here' }],
    affectedEntities: instanceIds.map((entityValue) => ({
      entityValue,
      lastUpdatedTime: 'Thu, 01 Jan 2026 00:00:00 GMT',
      status: 'IMPAIRED',
    })),
    affectedAccount: account,
    page: '1',
    totalPages: '1',
    ...more,
  });

/** A single-metric alarm. An alarm of AWS/EC2 has the dimension InstanceId, ours have the cluster. */
export const alarmChange = (
  alarmName: string,
  dimensions: Record<string, string>,
  { state = 'ALARM', time = eventTime }: { state?: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA'; time?: string } = {},
): SampleEvent =>
  event(
    'aws.cloudwatch',
    'CloudWatch Alarm State Change',
    [`arn:aws:cloudwatch:${region}:${account}:alarm:${alarmName}`],
    {
      alarmName,
      configuration: {
        description: 'What it means, and where the runbook tells of it',
        metrics: [
          {
            id: '30b6c6b2-a864-43a2-4877-c09a1afc3b87',
            metricStat: {
              metric: { dimensions, name: 'StatusCheckFailed_System', namespace: 'AWS/EC2' },
              period: 60,
              stat: 'Maximum',
            },
            returnData: true,
          },
        ],
      },
      previousState: {
        reason: 'Threshold Crossed: 1 out of the last 1 datapoints [0.0 (31/12/25 23:57:00)] was not greater than …',
        reasonData: '{"version":"1.0","recentDatapoints":[0.0],"threshold":1.0}',
        timestamp: '2025-12-31T23:58:00.000+0000',
        value: 'OK',
      },
      state: {
        reason: 'Threshold Crossed: 2 out of the last 2 datapoints were greater than or equal to the threshold (1.0)',
        reasonData: '{"version":"1.0","recentDatapoints":[1.0,1.0],"threshold":1.0}',
        timestamp: '2026-01-01T00:00:00.000+0000',
        value: state,
      },
    },
    time,
  );

/** As agent/announcer.ts publishes them. */
export const agentEvent = (
  type: 'Lease Expired' | 'Engine Down',
  cluster: string,
  observed: Partial<{ epoch: number; renewals: number; silentMs: number; seenBy: string; attempt: number }> = {},
  time?: string,
): SampleEvent =>
  event(
    eventSource(cluster),
    type,
    [],
    {
      cluster,
      epoch: 1,
      renewals: 7,
      silentMs: type === 'Lease Expired' ? 4041 : 0,
      seenBy: 'db2',
      attempt: 0,
      ...observed,
    },
    time,
  );
