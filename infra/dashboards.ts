// What the dashboards show, as rows of graphs; infra/constructs/dashboards.ts draws them. One for the control plane, one for each cluster
// that wants it ($3 a month each beyond the account's first three).

import type { MetricRow, Plane } from './alarms';

export interface Graph {
  title: string;
  /** Label and what it shows. */
  lines: Record<string, MetricRow>;
  /** Search expressions, for lines whose names are not known at synth. */
  search?: string;
}

const line = (
  namespace: string,
  metric: string,
  dimensions: Record<string, string>,
  statistic: MetricRow['statistic'],
) => ({
  namespace,
  metric,
  dimensions,
  statistic,
});

const kinds = ['failover', 'switchover', 'recover', 'settle'] as const;

export function planeGraphs(plane: Plane): Graph[] {
  const executions = (metric: string) =>
    Object.fromEntries(
      kinds.map((kind) => [kind, line('AWS/States', metric, { StateMachineArn: plane.stateMachineArn(kind) }, 'Sum')]),
    );
  const consumed = (metric: string) => line('AWS/DynamoDB', metric, { TableName: plane.name }, 'Sum');
  const fn = (metric: string, name: string) =>
    line('AWS/Lambda', metric, { FunctionName: `${plane.name}-${name}` }, 'Sum');
  const ours = (metric: string, dimension: string) =>
    `SEARCH('{Mainstay,service,${dimension}} MetricName="${metric}"', 'Maximum', 60)`;
  return [
    { title: 'Operations started', lines: executions('ExecutionsStarted') },
    { title: 'Operations that failed or were refused', lines: executions('ExecutionsFailed') },
    { title: 'Duration of steps', lines: {}, search: ours('StepMs', 'step') },
    {
      title: 'Age of the last renewal, by cluster',
      lines: {},
      search: `SEARCH('{Mainstay,service,controlPlane,cluster} MetricName="HeartbeatAgeMs" controlPlane="${plane.name}"', 'Maximum', 60)`,
    },
    {
      title: 'Errors of the functions that watch',
      lines: Object.fromEntries(['dispatch', 'sweep', 'heartbeats'].map((name) => [name, fn('Errors', name)])),
    },
    {
      title: 'Capacity units of the table',
      lines: { read: consumed('ConsumedReadCapacityUnits'), written: consumed('ConsumedWriteCapacityUnits') },
    },
    {
      title: 'Not delivered',
      lines: {
        'dead letters': line(
          'AWS/SQS',
          'ApproximateNumberOfMessagesVisible',
          { QueueName: plane.queueName },
          'Maximum',
        ),
        'notices failed': line('AWS/SNS', 'NumberOfNotificationsFailed', { TopicName: plane.topicName }, 'Sum'),
      },
    },
  ];
}

export function clusterGraphs(
  plane: string,
  cluster: string,
  nodes: readonly { name: string; instanceId: string }[],
): Graph[] {
  const ours = (metric: string) =>
    line('Mainstay', metric, { service: 'mainstay', controlPlane: plane, cluster }, 'Maximum');
  const checks = (metric: string) =>
    Object.fromEntries(
      nodes.map(({ name, instanceId }) => [name, line('AWS/EC2', metric, { InstanceId: instanceId }, 'Maximum')]),
    );
  return [
    { title: 'Age of the last renewal', lines: { [cluster]: ours('HeartbeatAgeMs') } },
    { title: 'Agents that are silent', lines: { [cluster]: ours('SilentNodes') } },
    { title: 'Status checks that fail', lines: checks('StatusCheckFailed') },
    { title: 'CPU', lines: checks('CPUUtilization') },
  ];
}
