// EventBridge event in, operation out: reads the event as triggers, and has each decided and acted on (workflows/dispatch.ts). No logic. What
// cannot be done now is thrown: Lambda tries it twice more, and then it lies in the dead-letter queue and rings an alarm.

import { Logger } from '@aws-lambda-powertools/logger';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { createClient } from '../adapters/aws/clients';
import { createEvents } from '../adapters/aws/events';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { asked } from '../adapters/aws/outside';
import { createSettings } from '../adapters/aws/settings';
import { type AwsEvent, triggersOf } from '../adapters/aws/trigger-events';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { fail, ok } from '../core/result';
import { type Acts, type Dispatched, dispatch } from '../workflows/dispatch';
import { controlPlane, createTable, stateMachineArn } from './wiring.lambda-shared';

const logger = new Logger();
const sfn = createClient(SFNClient, controlPlane);
const table = createTable();
const ports = {
  clock: createSystemClock(),
  settings: createSettings(table),
  leases: createLeaseStore(table),
  journal: createJournal(table, createSystemIds()),
  events: createEvents(createClient(EventBridgeClient, controlPlane)),
};

const alreadyThere = 'ExecutionAlreadyExists';

const acts: Acts = {
  start: async (kind, name, input) => {
    const command = new StartExecutionCommand({
      stateMachineArn: stateMachineArn(kind),
      name,
      input: JSON.stringify(input),
    });
    const started = await asked('states:StartExecution', () => sfn.send(command), [alreadyThere]);
    if (started.ok) return ok(true);
    return started.error.details?.error === alreadyThere ? ok(false) : fail(started.error);
  },
  // The fence step looks at the instance by itself, again and again.
  wake: async () => ok(false),
};

/** What it has been started for before it is needed: that was the point. */
const warmUps = ['Lease Overdue', 'Scheduled Event'];

export async function handler(event: AwsEvent): Promise<Dispatched[] | null> {
  if (warmUps.includes(event['detail-type'])) return null;
  const all: Dispatched[] = [];
  const problems: string[] = [];
  for (const trigger of triggersOf(event)) {
    const done = await dispatch(ports, trigger, acts);
    if (done.ok) {
      all.push(done.value);
      logger.info('dispatched', { trigger, done: done.value });
    } else problems.push(done.error.message);
  }
  // Those that were dispatched have their names already: the next try does not do them again.
  if (problems.length > 0) throw new Error(`not everything was dispatched: ${problems.join('; ')}`);
  return all;
}
