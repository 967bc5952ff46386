// Called when an execution has ended badly, and by the clock: has what was left behind settled (workflows/sweep.ts).

import { Logger } from '@aws-lambda-powertools/logger';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { createClient } from '../adapters/aws/clients';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { asked } from '../adapters/aws/outside';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock } from '../adapters/system';
import { fail, ok } from '../core/result';
import { type Start, type Swept, sweep } from '../workflows/sweep';
import { executions } from './ports/executions.lambda-shared';
import { power } from './ports/power.lambda-shared';
import { tasks } from './ports/tasks.lambda-shared';
import { vip } from './ports/vip.lambda-shared';
import { controlPlane, createFleetGovernor, createTable, stateMachineArn } from './wiring.lambda-shared';

const logger = new Logger();
const sfn = createClient(SFNClient, controlPlane);
const table = createTable();
const clock = createSystemClock();
const leases = createLeaseStore(table);
const governor = createFleetGovernor(table, clock);
const ports = {
  clock,
  settings: createSettings(table),
  leases,
  reports: createReports(table),
  waits: createWaits(table),
  ...executions(clock),
  ...vip(clock, leases, governor),
  ...power(clock, leases, governor),
  ...tasks(),
};

const alreadyThere = 'ExecutionAlreadyExists';

const start: Start = async (kind, name, input) => {
  const command = new StartExecutionCommand({
    stateMachineArn: stateMachineArn(kind),
    name,
    input: JSON.stringify(input),
  });
  const started = await asked('states:StartExecution', () => sfn.send(command), [alreadyThere]);
  return started.ok || started.error.details?.error === alreadyThere ? ok(undefined) : fail(started.error);
};

export async function handler(): Promise<Swept> {
  const swept = await sweep(ports, start);
  logger.info('swept', { ...swept });
  // Lambda tries an asynchronous call again that has failed; what was started has its name already.
  if (swept.problems.length > 0) throw new Error(`not every cluster was swept: ${swept.problems.join('; ')}`);
  return swept;
}
