// Events: memory, and EventBridge as the emulator has it. What EventBridge accepted is noted at the endpoint's side of the
// faults; that a rule then starts what it should is a matter of test/e2e.

import { CreateEventBusCommand, EventBridgeClient, type PutEventsCommandInput } from '@aws-sdk/client-eventbridge';
import { createClient } from '../../adapters/aws/clients';
import { createEvents } from '../../adapters/aws/events';
import { createMemoryEvents } from '../../adapters/memory/messages';
import type { EventType, MainstayEvent } from '../../core/ports';
import { type Cloud, cloudStartMs, startCloud } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { problem, value } from '../support/samples';
import { anEvent, eventsContract } from './suites/events';

eventsContract('memory', async () => {
  const script = createFaultScript();
  const events = createMemoryEvents({ faults: script });
  return { events, script, arrived: async () => events.published, publish: 'publish' };
});

describe('on the emulator', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
    await createClient(EventBridgeClient, cloud.options).send(new CreateEventBusCommand({ Name: 'mainstay' }));
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  /** Notes what EventBridge answered with success, under the faults: a reply that is lost afterwards was still noted. */
  function noteAccepted(client: EventBridgeClient): MainstayEvent[] {
    const accepted: MainstayEvent[] = [];
    const asEvent = ({ DetailType, Detail }: { DetailType?: string; Detail?: string }): MainstayEvent => {
      const { cluster, ...detail } = JSON.parse(Detail ?? '{}');
      return { type: DetailType as EventType, cluster, detail };
    };
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        accepted.push(...((args.input as PutEventsCommandInput).Entries ?? []).map(asEvent));
        return answer;
      },
      { step: 'deserialize', priority: 'high', name: 'noteAccepted' },
    );
    return accepted;
  }

  function build(busName?: string) {
    const script = createFaultScript();
    const client = createClient(EventBridgeClient, cloud.options);
    const accepted = noteAccepted(client);
    injectFaults(client, script);
    return {
      events: createEvents(client, busName ? { busName } : {}),
      script,
      arrived: async () => accepted,
      publish: 'PutEvents',
    };
  }

  eventsContract('EventBridge', async () => build('mainstay'));

  it('names its source, and the cluster in the detail cannot be overwritten', async () => {
    const { events, script } = build();
    value(await events.publish(anEvent({ detail: { cluster: 'another', epoch: 7 } })));
    const input = script.calls[0]?.args[0] as PutEventsCommandInput | undefined;
    expect(input?.Entries).toEqual([
      { Source: 'mainstay', DetailType: 'Lease Expired', Detail: JSON.stringify({ cluster: 'shop', epoch: 7 }) },
    ]);
  });

  it('a node publishes in the name of its cluster, as IAM demands', async () => {
    const script = createFaultScript();
    const client = createClient(EventBridgeClient, cloud.options);
    injectFaults(client, script);
    value(await createEvents(client, { cluster: 'shop' }).publish(anEvent()));
    const input = script.calls[0]?.args[0] as PutEventsCommandInput | undefined;
    expect(input?.Entries?.map(({ Source }) => Source)).toEqual(['mainstay.shop']);
  });

  it.each([
    ['MalformedDetail', 'Broken'],
    ['T13: ThrottlingException', 'Unreachable'],
    ['InternalFailure', 'Unreachable'],
  ])('an entry that failed inside a successful answer is a problem: %s is %s', async (name, code) => {
    const client = createClient(EventBridgeClient, cloud.options);
    const ErrorCode = name.replace('T13: ', '');
    // AWS documents it; the emulator accepts every entry.
    const oneFailed = (next: (args: unknown) => Promise<object>) => async (args: unknown) => ({
      ...(await next(args)),
      output: { $metadata: {}, FailedEntryCount: 1, Entries: [{ ErrorCode, ErrorMessage: 'words' }] },
    });
    client.middlewareStack.add(oneFailed as never, { step: 'deserialize', priority: 'high', name: 'oneFailed' });
    const seen = problem(await createEvents(client).publish(anEvent()));
    expect(seen).toMatchObject({ code, details: { action: 'events:PutEvents', error: ErrorCode } });
  });
});
