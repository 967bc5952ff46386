// Every alarm as a row: what it looks at, when it rings, what that means, and where the runbook goes on. Data; infra/constructs/alarms.ts
// makes CloudWatch alarms of it. The names say whom an alarm concerns, which is how dispatch understands it (core/triggers.ts).
// Prices beside the rows: $0.10 a month for each metric that an alarm looks at.

import type { NodeName } from '../core/model';

/** `lean`: the control plane, and per cluster whether anybody renews. `full`: each instance's status checks and each agent as well. */
export type AlarmMode = 'lean' | 'full';

export interface MetricRow {
  namespace: string;
  metric: string;
  dimensions: Record<string, string>;
  statistic: 'Sum' | 'Maximum';
}

export interface AlarmRow {
  what: string;
  /** Their sum is what is looked at. */
  metrics: MetricRow[];
  threshold: number;
  /** Minutes in a row over the threshold. */
  minutes: number;
  /** Length of one datapoint, in minutes. */
  periodMinutes?: number;
  /** What no datapoint at all means. */
  missing: 'breaching' | 'notBreaching';
  /** One sentence; the section of the runbook is called after the alarm. */
  means: string;
}

export interface Plane {
  /** Of the control plane. */
  name: string;
  /** ARN of the state machine of a kind. */
  stateMachineArn: (kind: string) => string;
  /** Name of the rule that the agents' events come through. */
  failureRule: string;
  queueName: string;
  topicName: string;
}

const of =
  (namespace: string, statistic: MetricRow['statistic'], dimension: string) =>
  (metric: string, value: string): MetricRow => ({
    namespace,
    metric,
    dimensions: { [dimension]: value },
    statistic,
  });
const lambda = of('AWS/Lambda', 'Sum', 'FunctionName');
const states = of('AWS/States', 'Sum', 'StateMachineArn');
const table = of('AWS/DynamoDB', 'Sum', 'TableName');
const queue = of('AWS/SQS', 'Maximum', 'QueueName');
const topic = of('AWS/SNS', 'Sum', 'TopicName');
const events = of('AWS/Events', 'Sum', 'RuleName');
const instance = of('AWS/EC2', 'Maximum', 'InstanceId');

/** $1.50 a month in all: 15 metrics. Steps are left out of `functions-failing`: a refusal is an error of theirs, and meant. */
export const planeAlarms = (plane: Plane): AlarmRow[] => [
  {
    what: 'functions-failing',
    metrics: ['dispatch', 'sweep', 'heartbeats'].map((fn) => lambda('Errors', `${plane.name}-${fn}`)),
    threshold: 1,
    minutes: 2,
    missing: 'notBreaching',
    means: 'a function that starts or watches operations fails',
  },
  {
    what: 'functions-throttled',
    metrics: [{ namespace: 'AWS/Lambda', metric: 'Throttles', dimensions: {}, statistic: 'Sum' }],
    threshold: 1,
    minutes: 1,
    missing: 'notBreaching',
    means: 'Lambda turns calls of this account away, perhaps steps of a failover',
  },
  {
    // A refused or late one ends at once and is alone; a person who started one is told by the command.
    what: 'executions-failing',
    metrics: ['failover', 'settle'].map((kind) => states('ExecutionsFailed', plane.stateMachineArn(kind))),
    threshold: 3,
    minutes: 1,
    periodMinutes: 5,
    missing: 'notBreaching',
    means: 'automatic operations fail again and again: a cluster is silent and nobody takes over',
  },
  {
    what: 'executions-stopped',
    metrics: ['failover', 'switchover'].flatMap((kind) =>
      ['ExecutionsAborted', 'ExecutionsTimedOut'].map((metric) => states(metric, plane.stateMachineArn(kind))),
    ),
    threshold: 1,
    minutes: 1,
    missing: 'notBreaching',
    means: 'an execution was stopped half-way',
  },
  {
    what: 'undelivered',
    metrics: [queue('ApproximateNumberOfMessagesVisible', plane.queueName)],
    threshold: 1,
    minutes: 1,
    missing: 'notBreaching',
    means: 'an event or a notice could not be delivered, and lies in the dead-letter queue',
  },
  {
    what: 'alarms-of-agents-lost',
    metrics: [events('FailedInvocations', plane.failureRule)],
    threshold: 1,
    minutes: 1,
    missing: 'notBreaching',
    means: "EventBridge cannot hand the agents' events to dispatch",
  },
  {
    what: 'table-throttled',
    metrics: ['ReadThrottleEvents', 'WriteThrottleEvents'].map((metric) => table(metric, plane.name)),
    threshold: 1,
    minutes: 2,
    missing: 'notBreaching',
    means: 'DynamoDB turns requests for the table away: a main that cannot renew stops itself',
  },
  {
    what: 'notices-lost',
    metrics: [topic('NumberOfNotificationsFailed', plane.topicName)],
    threshold: 1,
    minutes: 1,
    missing: 'notBreaching',
    means: 'a notice did not reach a subscriber',
  },
];

/**
 * A live main renews between any two looks, so that 45 s without a renewal is a whole look without one. Missing figures are taken for
 * silence: nobody looked, or nobody could. $0.10 a month, and $0.30 for the metric.
 */
export function clusterAlarms(plane: string, cluster: string, mode: AlarmMode): AlarmRow[] {
  const mine = (metric: string): MetricRow => ({
    namespace: 'Mainstay',
    metric,
    dimensions: { service: 'mainstay', controlPlane: plane, cluster },
    statistic: 'Maximum',
  });
  const noMain: AlarmRow = {
    what: 'no-main',
    metrics: [mine('HeartbeatAgeMs')],
    threshold: 45_000,
    minutes: 2,
    missing: 'breaching',
    means: `nobody has renewed the lease of ${cluster} for minutes; a failover is started, which looks for itself`,
  };
  const silentNodes: AlarmRow = {
    what: 'silent-nodes',
    metrics: [mine('SilentNodes')],
    threshold: 1,
    minutes: 5,
    missing: 'notBreaching',
    means: `an agent of ${cluster} has said nothing for minutes: its node is no candidate`,
  };
  return mode === 'full' ? [noMain, silentNodes] : [noMain];
}

/** EC2 measures these once a minute, for nothing; $0.30 a month for the three. An instance that is off has none. */
export const nodeAlarms = (cluster: string, node: NodeName, instanceId: string): AlarmRow[] =>
  [
    { what: 'system-check', metric: 'StatusCheckFailed_System', means: 'the host or its network is impaired' },
    { what: 'instance-check', metric: 'StatusCheckFailed_Instance', means: 'its operating system does not answer' },
    {
      what: 'volume-check',
      metric: 'StatusCheckFailed_AttachedEBS',
      means: 'its EBS volumes do not complete requests',
    },
  ].map(({ what, metric, means }) => ({
    what,
    metrics: [instance(metric, instanceId)],
    threshold: 1,
    minutes: 2,
    missing: 'notBreaching',
    means: `${node} of ${cluster} (${instanceId}): ${means}`,
  }));
