// Called by the clock each five minutes: keeps the functions of a failover warm, asks for each cluster whether a failover would work, ends
// forgotten maintenances and holds the drills that are due (desk/rounds.ts). What is not ready is one metric, and rings. No logic.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createBrake } from '../adapters/aws/brake';
import { createClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { asked } from '../adapters/aws/outside';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { noAlarms, noPower, noTasks, noVip } from '../desk/check';
import type { Desk } from '../desk/desk';
import { makeRounds, type Rounds } from '../desk/rounds';
import { createStepFunctions } from '../desk/step-functions';
import { neededInAMoment } from '../workflows/plans';
import { events } from './ports/events.lambda-shared';
import { controlPlane, createTable, stateMachineArns } from './wiring.lambda-shared';

const logger = new Logger();
const metrics = new Metrics();
const clock = createSystemClock();
const ids = createSystemIds();
const table = createTable();
/** A cold start takes a second or two, and so many at once a little longer. */
const lambda = createClient(LambdaClient, { ...controlPlane, requestTimeoutMs: 20_000 });
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

/** Null: it answers. */
async function wake(name: string): Promise<string | null> {
  const Payload = JSON.stringify({ 'detail-type': 'Scheduled Event', detail: {} });
  const command = new InvokeCommand({ FunctionName: `${table.name}-${name}`, Payload });
  const answer = await asked('lambda:InvokeFunction', () => lambda.send(command));
  if (!answer.ok) return `${name}: ${answer.error.message}`;
  return answer.value.FunctionError ? `${name}: ${Buffer.from(answer.value.Payload ?? []).toString()}` : null;
}

export async function handler(): Promise<Rounds & { broken: string[] }> {
  const [rounds, answers] = await Promise.all([
    makeRounds(desk, events().events),
    Promise.all(neededInAMoment.map(wake)),
  ]);
  const broken = answers.filter((answer) => answer !== null);
  const notReady = Object.keys(rounds.notReady).length + broken.length;
  metrics.singleMetric().addDimension('controlPlane', table.name).addMetric('NotReady', MetricUnit.Count, notReady);
  const told = { ...rounds, broken };
  if (notReady > 0) logger.warn('a failover would not work', told);
  else logger.info('rounds are made', told);
  // The next rounds come in five minutes: nothing is tried again before.
  if (rounds.problems.length > 0) logger.error('not everything was looked at or done', told);
  return told;
}
