// The desk of a function that asks and starts, as an operator's command does: it moves no VIP, cuts no power and wakes nobody itself.

import { SFNClient } from '@aws-sdk/client-sfn';
import { createBrake } from '../adapters/aws/brake';
import { createClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import type { Table } from '../adapters/aws/table';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { noAlarms, noPower, noTasks, noVip } from '../desk/check';
import type { Desk } from '../desk/desk';
import { createStepFunctions } from '../desk/step-functions';
import { controlPlane, stateMachineArns } from './wiring.lambda-shared';

export function createDesk(table: Table): Desk {
  const ids = createSystemIds();
  return {
    leases: createLeaseStore(table),
    reports: createReports(table),
    settings: createSettings(table),
    waits: createWaits(table),
    tasks: noTasks,
    brake: createBrake(table),
    journal: createJournal(table, ids),
    clock: createSystemClock(),
    ids,
    operations: createStepFunctions(createClient(SFNClient, controlPlane), table.name, stateMachineArns()),
    vip: noVip,
    alarms: noAlarms,
    power: noPower,
  };
}
