// Called by the clock each five minutes: asks for each cluster whether a failover would work, tells people of forgotten maintenances and holds
// the drills that are due (desk/rounds.ts). How many are not ready is one metric, and rings. What was seen before is kept for as long as
// Lambda keeps this instance. No logic.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { makeRounds, type Rounds } from '../desk/rounds';
import { createDesk } from './desk.lambda-shared';
import { events } from './ports/events.lambda-shared';
import { createTable } from './wiring.lambda-shared';

const logger = new Logger();
const metrics = new Metrics();
const table = createTable();
const desk = createDesk(table);

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
