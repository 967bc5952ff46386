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
  /** Which one of several, and part of the name: each metric has an alarm of its own, at the price of one for all, and says whose it is. */
  of?: string;
  metric: MetricRow;
  threshold: number;
  /** Datapoints in a row over the threshold. */
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
/** One is too many, for so many minutes in a row. */
const any = (minutes: number) => ({ threshold: 1, minutes, missing: 'notBreaching' }) as const;

/** Functions that events and the clock call: no state machine and no person is told when they fail. */
export const calledByEvents = ['dispatch', 'sweep', 'heartbeats', 'rounds', 'warm'] as const;

/** One metric for all clusters, $0.30 a month: `mainstay doctor` says which it is. No figure means that nobody asks any more. */
const notReady = ({ name }: Plane): AlarmRow => ({
  what: 'not-ready',
  metric: {
    ...{ namespace: 'Mainstay', metric: 'NotReady', statistic: 'Maximum' },
    dimensions: { service: 'mainstay', controlPlane: name },
  },
  ...{ threshold: 1, minutes: 3, periodMinutes: 5, missing: 'breaching' },
  means: 'a failover of some cluster would not work, or would lose data: mainstay doctor tells which and why',
});

/** $1.80 a month in all: 18 metrics. Steps are left out of `functions-failing`: a refusal is an error of theirs, and meant. */
export const planeAlarms = (plane: Plane): AlarmRow[] => [
  ...calledByEvents.map((fn) => ({
    what: 'functions-failing',
    of: fn,
    metric: lambda('Errors', `${plane.name}-${fn}`),
    ...any(2),
    means: `the function ${fn}, which starts or watches operations, fails`,
  })),
  {
    what: 'functions-throttled',
    metric: { namespace: 'AWS/Lambda', metric: 'Throttles', dimensions: {}, statistic: 'Sum' },
    ...any(1),
    means: 'Lambda turns calls of this account away, perhaps steps of a failover',
  },
  // A refused or late one ends at once and is alone; a person who started one is told by the command.
  ...['failover', 'settle'].map((kind) => ({
    what: 'executions-failing',
    of: kind,
    metric: states('ExecutionsFailed', plane.stateMachineArn(kind)),
    ...any(1),
    threshold: 3,
    periodMinutes: 5,
    means: `executions of ${kind} fail again and again: a cluster is not being helped`,
  })),
  ...['failover', 'switchover'].flatMap((kind) =>
    ['Aborted', 'TimedOut'].map((how) => ({
      what: 'executions-stopped',
      of: `${kind}-${how.toLowerCase()}`,
      metric: states(`Executions${how}`, plane.stateMachineArn(kind)),
      ...any(1),
      means: `an execution of ${kind} was stopped half-way`,
    })),
  ),
  notReady(plane),
  {
    what: 'undelivered',
    metric: queue('ApproximateNumberOfMessagesVisible', plane.queueName),
    ...any(1),
    means: 'an event or a notice could not be delivered, and lies in the dead-letter queue',
  },
  {
    what: 'alarms-of-agents-lost',
    metric: events('FailedInvocations', plane.failureRule),
    ...any(1),
    means: "EventBridge cannot hand the agents' events to dispatch",
  },
  ...['Read', 'Write'].map((way) => ({
    what: 'table-throttled',
    of: way.toLowerCase(),
    metric: table(`${way}ThrottleEvents`, plane.name),
    ...any(2),
    means: 'DynamoDB turns requests for the table away: a main that cannot renew stops itself',
  })),
  {
    what: 'notices-lost',
    metric: topic('NumberOfNotificationsFailed', plane.topicName),
    ...any(1),
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
    metric: mine('HeartbeatAgeMs'),
    threshold: 45_000,
    minutes: 2,
    missing: 'breaching',
    means: `nobody has renewed the lease of ${cluster} for minutes; a failover is started, which looks for itself`,
  };
  const silentNodes: AlarmRow = {
    what: 'silent-nodes',
    metric: mine('SilentNodes'),
    ...any(5),
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
    metric: instance(metric, instanceId),
    ...any(2),
    means: `${node} of ${cluster} (${instanceId}): ${means}`,
  }));
