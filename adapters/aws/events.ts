// Events to EventBridge, where the rules of infra/ turn them into operations and notices. Port: Events.
// Must never take a 200 for a delivery: PutEvents reports each entry's failure inside a successful answer.

import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Events, MainstayEvent, Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { eventSource } from '../../core/triggers';
import { asked, outsideProblem } from './outside';

export interface EventsOptions {
  /** Name or ARN; the account's default bus when left out. */
  busName?: string;
  /** Of a node, which speaks for its own cluster only; the control plane when left out. */
  cluster?: string;
}

/**
 * Rules put these two into texts and JSON, and EventBridge does not escape what it puts there: a quotation mark in a person's reason would
 * cost the notice.
 */
function readable({ because, next, ...detail }: MainstayEvent['detail']): MainstayEvent['detail'] {
  const plain = (text: unknown): unknown =>
    typeof text === 'string'
      ? text
          .replaceAll('"', "'")
          .replaceAll('\\', '/')
          .replace(/\p{Cc}+/gu, ' ')
      : text;
  return {
    ...detail,
    ...(because === undefined ? {} : { because: plain(because) }),
    ...(next === undefined ? {} : { next: plain(next) }),
  };
}

async function publish(
  eventBridge: EventBridgeClient,
  { busName, cluster }: EventsOptions,
  event: MainstayEvent,
): Outside<void> {
  const entry = {
    Source: eventSource(cluster),
    DetailType: event.type,
    Detail: JSON.stringify({ ...readable(event.detail), cluster: event.cluster }),
    ...(busName ? { EventBusName: busName } : {}),
  };
  const answer = await asked('events:PutEvents', () => eventBridge.send(new PutEventsCommand({ Entries: [entry] })));
  if (!answer.ok) return answer;
  if (!answer.value.FailedEntryCount) return ok(undefined);
  const failed = answer.value.Entries?.[0];
  const error = Object.assign(new Error(failed?.ErrorMessage ?? 'no message'), {
    name: failed?.ErrorCode ?? 'FailedEntry',
  });
  return fail(outsideProblem(error, 'events:PutEvents'));
}

export const createEvents = (eventBridge: EventBridgeClient, options: EventsOptions = {}): Events => ({
  publish: (event) => publish(eventBridge, options, event),
});
