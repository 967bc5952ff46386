// What EventBridge is told: texts that its rules can put into a notice as they are.

import type { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { createEvents } from '../../../adapters/aws/events';
import { attention } from '../../../core/attention';
import { value } from '../../support/samples';

test('T47: a reason with quotation marks, a path or a new line does not cost the notice', async () => {
  const sent: PutEventsCommand[] = [];
  const client = { send: async (command: PutEventsCommand) => sent.push(command) && { FailedEntryCount: 0 } };
  const because = 'policy set: "the rack\\disk"\nis moved';
  const next = 'mainstay policy alpha automatic --reason "done"';
  const told = attention('alpha', { because, next, section: 'needs-a-person', at: 'C:\\' });
  value(await createEvents(client as unknown as EventBridgeClient).publish(told));
  const detail = JSON.parse(sent[0]?.input.Entries?.[0]?.Detail ?? '');
  expect(detail).toEqual({
    ...{ cluster: 'alpha', section: 'needs-a-person', at: 'C:\\' },
    because: "policy set: 'the rack/disk' is moved",
    next: "mainstay policy alpha automatic --reason 'done'",
  });
  // As a rule does it, without escaping anything.
  expect(JSON.parse(`{"text":"${detail.because}. Next: ${detail.next}"}`).text).toContain("'the rack/disk'");
});
