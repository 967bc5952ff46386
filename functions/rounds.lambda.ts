// Called by the clock each five minutes: asks for each cluster whether a failover would work, tells people of forgotten maintenances and holds
// the drills that are due (desk/rounds.ts). How many are not ready is one metric, and rings. What was seen before is kept for as long as
// Lambda keeps this instance. No logic.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createBrake } from '../adapters/aws/brake';
import { createClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { noAlarms, noPower, noTasks, noVip } from '../desk/check';
import type { Desk } from '../desk/desk';
import { makeRounds, type Rounds } from '../desk/rounds';
import { createStepFunctions } from '../desk/step-functions';
import { events } from './ports/events.lambda-shared';
import { controlPlane, createTable, stateMachineArns } from './wiring.lambda-shared';

const logger = new Logger();
const metrics = new Metrics();
const clock = createSystemClock();
const ids = createSystemIds();
const table = createTable();
const desk: Desk = {
  leases: createLeaseStore(table),
  reports: createReports(table),
  settings: createSettings(table),
  waits: createWaits(table),
  tasks: noTasks,
  brake: createBrake(table),
  journal: createJournal(table, ids),
  clock,
  ids,
  operations: createStepFunctions(createClient(SFNClient, controlPlane), table.name, stateMachineArns()),
  vip: noVip,
  alarms: noAlarms,
  power: noPower,
};

let before: Rounds | null = null;

export async function handler(): Promise<Rounds> {
  const rounds = await makeRounds(desk, events().events, before);
  before = rounds;
  const count = Object.keys(rounds.notReady).length;
  metrics.singleMetric().addDimension('controlPlane', table.name).addMetric('NotReady', MetricUnit.Count, count);
  if (count > 0) logger.warn('a failover would not work', { rounds });
  else logger.info('rounds are made', { rounds });
  // The next rounds come in five minutes: nothing is tried again before.
  if (rounds.problems.length > 0) logger.error('not everything was looked at or done', { problems: rounds.problems });
  return rounds;
}
