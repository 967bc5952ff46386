// EventBridge events of AWS and of the agents, as triggers. Shapes as AWS documents them; test/support/aws-events.ts has one of each.
// Must never guess: an event that does not have its documented shape is an error (it ends in the dead-letter queue and rings an alarm),
// one that is well-formed and concerns nobody is an empty list.

import * as z from 'zod/mini';
import { alarmTriggers, eventSource, readAlarmName, type Trigger, type TriggerKind } from '../../core/triggers';

/** What every event has. `time` is the sender's wall clock, ISO. */
export interface AwsEvent {
  id: string;
  source: string;
  'detail-type': string;
  time: string;
  detail: unknown;
}

const whole = z.number().check(z.int(), z.gte(0));
const agentShape = z.object({
  cluster: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,30}$/)),
  epoch: whole,
  renewals: whole,
  silentMs: z.number().check(z.gte(0)),
  seenBy: z.string(),
  attempt: whole,
});
const instanceShape = z.object({
  'instance-id': z.string(),
  state: z.optional(z.string()),
  'instance-action': z.optional(z.string()),
});
const alarmShape = z.object({
  alarmName: z.string(),
  state: z.object({ value: z.string(), reason: z.optional(z.string()) }),
  configuration: z.optional(
    z.looseObject({
      metrics: z.optional(
        z.array(
          z.looseObject({
            metricStat: z.optional(
              z.looseObject({ metric: z.looseObject({ dimensions: z.optional(z.record(z.string(), z.string())) }) }),
            ),
          }),
        ),
      ),
    }),
  ),
});
const healthShape = z.object({
  service: z.string(),
  eventTypeCode: z.string(),
  eventTypeCategory: z.string(),
  startTime: z.optional(z.string()),
  statusCode: z.optional(z.string()),
  affectedEntities: z.optional(z.array(z.looseObject({ entityValue: z.string() }))),
});

type Reader = (event: AwsEvent) => Trigger[];

function read<T>(shape: z.ZodMiniType<T>, event: AwsEvent): T {
  const parsed = shape.safeParse(event.detail);
  if (parsed.success) return parsed.data;
  throw new Error(
    `event '${event['detail-type']}' is not a trigger that can be understood: ${z.prettifyError(parsed.error)}`,
  );
}

const trigger = (kind: TriggerKind, event: AwsEvent, more: Omit<Trigger, 'kind' | 'event'>): Trigger => ({
  kind,
  event: { id: event.id, type: event['detail-type'], time: event.time },
  ...more,
});

/** A node may publish in its own cluster's name only (infra/node-grants.ts): what it says of another is forged. */
export function refuseForged(
  { source, 'detail-type': type }: Pick<AwsEvent, 'source' | 'detail-type'>,
  cluster: string,
): void {
  if (source !== eventSource(cluster))
    throw new Error(`event '${type}' about ${cluster} comes from ${source}: refused`);
}

const fromAgent =
  (kind: TriggerKind): Reader =>
  (event) => {
    const { cluster, ...observed } = read(agentShape, event);
    refuseForged(event, cluster);
    return [trigger(kind, event, { cluster, observed })];
  };

const states: Record<string, TriggerKind> = {
  stopping: 'instance-stopping',
  'shutting-down': 'instance-stopping',
  stopped: 'instance-stopped',
  terminated: 'instance-terminated',
};

const fromState: Reader = (event) => {
  const { 'instance-id': instanceId, state = '' } = read(instanceShape, event);
  const kind = states[state];
  return kind ? [trigger(kind, event, { instanceId, detail: `${instanceId} is ${state}` })] : [];
};

const fromSpot =
  (kind: TriggerKind): Reader =>
  (event) => {
    const { 'instance-id': instanceId, 'instance-action': action } = read(instanceShape, event);
    return [trigger(kind, event, { instanceId, detail: action ? `${instanceId}: ${action}` : instanceId })];
  };

/** The name says what it is about; the dimension of the metric says which instance, also when a node has been renamed. */
const fromAlarm: Reader = (event) => {
  const { alarmName, state, configuration } = read(alarmShape, event);
  if (state.value !== 'ALARM') return [];
  const { cluster, what } = readAlarmName(alarmName);
  const kind = cluster ? alarmTriggers[what as keyof typeof alarmTriggers] : undefined;
  const dimensions = (configuration?.metrics ?? []).map(({ metricStat }) => metricStat?.metric.dimensions ?? {});
  const instanceId = dimensions.find(({ InstanceId }) => InstanceId)?.InstanceId;
  return [
    trigger(kind ?? 'told-to-people', event, {
      ...(cluster ? { cluster } : {}),
      ...(instanceId ? { instanceId } : {}),
      detail: `${alarmName}${state.reason ? `: ${state.reason}` : ''}`,
    }),
  ];
};

/** One event may name many instances, and other things: volumes and hosts are seen by their instances' status checks. */
const fromHealth: Reader = (event) => {
  const {
    service,
    eventTypeCode,
    eventTypeCategory,
    startTime,
    statusCode,
    affectedEntities = [],
  } = read(healthShape, event);
  const kind = { scheduledChange: 'scheduled-change', issue: 'instance-issue' }[eventTypeCategory] as
    | TriggerKind
    | undefined;
  if (service !== 'EC2' || kind === undefined || statusCode === 'closed') return [];
  const instances = affectedEntities.map(({ entityValue }) => /(i-[0-9a-z]+)$/.exec(entityValue)?.[1]);
  const detail = `${eventTypeCode}${startTime ? `, from ${startTime}` : ''}`;
  return [...new Set(instances)].flatMap((instanceId) =>
    instanceId ? [trigger(kind, event, { instanceId, detail })] : [],
  );
};

const readers: Record<string, Reader> = {
  'Lease Expired': fromAgent('lease-expired'),
  'Engine Down': fromAgent('engine-down'),
  'CloudWatch Alarm State Change': fromAlarm,
  'EC2 Instance State-change Notification': fromState,
  'EC2 Spot Instance Interruption Warning': fromSpot('spot-interruption'),
  'EC2 Instance Rebalance Recommendation': fromSpot('spot-rebalance'),
  'AWS Health Event': fromHealth,
};

export const triggerTypes = Object.keys(readers);

export function triggersOf(event: AwsEvent): Trigger[] {
  const reader = readers[event['detail-type']];
  if (!reader) throw new Error(`nothing is known of the event '${event['detail-type']}': which rule sends it?`);
  return reader(event);
}
