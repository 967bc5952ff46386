// Ports for a Lambda, from its environment. The only file in functions/ that reads process.env. Ports are built on
// first use: most steps need only the store.

import type { Tracer } from '@aws-lambda-powertools/tracer';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { createClient, createDocumentClient } from '../adapters/aws/clients';
import { createEipVip } from '../adapters/aws/eip-vip';
import { createEvents } from '../adapters/aws/events';
import { createExecutions } from '../adapters/aws/executions';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createPoker } from '../adapters/aws/poker';
import { createPower } from '../adapters/aws/power';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createSystemClock, createSystemIds } from '../adapters/system';
import type { Ports } from '../workflows/step';

/** A call to the store must not eat a step's time; EC2 and SSM are control planes that may be slow. */
const store = { requestTimeoutMs: 1500, maxAttempts: 3 };
const controlPlane = { requestTimeoutMs: 5000, maxAttempts: 4 };

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the function's environment lacks ${name}: deploy the stack again`);
  return value;
}

const stateMachineArns = (): string[] => required('MAINSTAY_STATE_MACHINES').split(',');

/** The ARN of the state machine for this kind of operation. */
export function stateMachineArn(kind: string): string {
  const arn = stateMachineArns().find((candidate) => candidate.endsWith(`-${kind}`));
  if (!arn) throw new Error(`no state machine for '${kind}' in MAINSTAY_STATE_MACHINES: deploy the stack again`);
  return arn;
}

export function createTable(tracer?: Tracer) {
  const client = createClient(DynamoDBClient, store);
  tracer?.captureAWSv3Client(client);
  return { client: createDocumentClient(client), name: required('MAINSTAY_TABLE') };
}

export function createPorts(tracer?: Tracer): Ports {
  const clock = createSystemClock();
  const ids = createSystemIds();
  const table = createTable(tracer);
  return {
    clock,
    ids,
    leases: createLeaseStore(table),
    reports: createReports(table),
    settings: createSettings(table),
    journal: createJournal(table, ids),
    events: onFirstUse(() => createEvents(createClient(EventBridgeClient, controlPlane))),
    poker: onFirstUse(() =>
      createPoker(createClient(SSMClient, { ...controlPlane, maxAttempts: 1 }), {
        clock,
        pokeDocument: required('MAINSTAY_POKE_DOCUMENT'),
        pokeLifeS: 60,
        redirectMs: 100_000,
        pollMs: 500,
      }),
    ),
    power: onFirstUse(() => createPower(createEc2())),
    vip: onFirstUse(() => createEipVip(createEc2(), { clock, readBackMs: 10_000, pollMs: 100 })),
    executions: onFirstUse(() =>
      createExecutions(createClient(SFNClient, controlPlane), {
        stateMachineArns: stateMachineArns(),
        clock,
        confirmAfterMs: 1000,
      }),
    ),
  };
}

const createEc2 = () => createClient(EC2Client, controlPlane);

/** A port that is built when it is first called. */
function onFirstUse<T extends object>(make: () => T): T {
  let made: T | null = null;
  return new Proxy({} as T, {
    get: (_, method) => {
      made ??= make();
      return Reflect.get(made, method);
    },
  });
}
