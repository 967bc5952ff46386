// Puts the command's desk together for AWS, or for whatever AWS_ENDPOINT_URL points to. Beside main.ts the only file of
// cli/ that reads the environment; credentials and endpoint are the SDK's own business.

import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createAlarms } from '../adapters/aws/alarms';
import { createBrake } from '../adapters/aws/brake';
import { type ClientOptions, createClient, createDocumentClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createTasks } from '../adapters/aws/tasks';
import { createAwsVip } from '../adapters/aws/vips';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock, createSystemIds } from '../adapters/system';
import type { Desk } from '../desk/desk';
import { createStepFunctions } from '../desk/step-functions';

/** A person waits: three attempts of 3 s, then a clear message. */
const patience = { requestTimeoutMs: 3000, maxAttempts: 3 };

/** The AWS CLI knows AWS_DEFAULT_REGION, the SDK does not. */
const region = (): string | undefined => process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;

export const defaultStack = (): string => process.env.MAINSTAY_STACK ?? 'mainstay';

/** For messages: where the commands go. */
export const whereFromEnvironment = (): string =>
  process.env.AWS_ENDPOINT_URL ?? (region() === undefined ? 'AWS' : `AWS ${region()}`);

/** The table's name is the stack's. */
export function openDesk(stack: string): Desk {
  const options = { ...patience, ...(region() === undefined ? {} : { region: region() }) };
  const client = createDocumentClient(createClient(DynamoDBClient, options));
  const table = { client, name: stack };
  const sfn = createClient(SFNClient, options);
  const ids = createSystemIds();
  const clock = createSystemClock();
  const leases = createLeaseStore(table);
  return {
    leases,
    reports: createReports(table),
    settings: createSettings(table),
    waits: createWaits(table),
    tasks: createTasks(sfn),
    journal: createJournal(table, ids),
    clock,
    ids,
    operations: createStepFunctions(sfn, stack),
    vip: createAwsVip(options, clock, leases),
    power: openPower(options),
    brake: createBrake(table),
    alarms: createAlarms(createClient(CloudWatchClient, options), stack),
  };
}

/** EC2's client is loaded when power is asked about, which one command does. */
function openPower(options: ClientOptions): Desk['power'] {
  const load = async () => {
    const [{ EC2Client }, { createPower }] = await Promise.all([
      import('@aws-sdk/client-ec2'),
      import('../adapters/aws/power'),
    ]);
    return createPower(createClient(EC2Client, options));
  };
  return {
    state: async (instanceId) => (await load()).state(instanceId),
    cut: async (instanceIds) => (await load()).cut(instanceIds),
  };
}
