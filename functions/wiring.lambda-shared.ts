// Ports for a Lambda, from its environment. The only file in functions/ that reads process.env. Every function has the
// store; what else it may use it names itself (functions/ports), so that its bundle and its role hold nothing more.

import type { Tracer } from '@aws-lambda-powertools/tracer';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createClient, createDocumentClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { assert } from '../core/assert';
import type { Clock, LeaseStore } from '../core/ports';
import type { Ports } from '../workflows/step';

/** A call to the store must not eat a step's time; EC2 and SSM are control planes that may be slow. */
const store = { requestTimeoutMs: 1500, maxAttempts: 3 };
export const controlPlane = { requestTimeoutMs: 5000, maxAttempts: 4 };

/** Gives some ports beyond the store. */
export type MorePorts = (clock: Clock, leases: LeaseStore) => Partial<Ports>;

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the function's environment lacks ${name}: deploy the stack again`);
  return value;
}

export const stateMachineArns = (): string[] => required('MAINSTAY_STATE_MACHINES').split(',');

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

export function createPorts(more: readonly MorePorts[], tracer: Tracer): Ports {
  const clock = createSystemClock();
  const ids = createSystemIds();
  const table = createTable(tracer);
  const leases = createLeaseStore(table);
  const given: Partial<Ports> = {
    clock,
    ids,
    leases,
    reports: createReports(table),
    settings: createSettings(table),
    journal: createJournal(table, ids),
    ...Object.assign({}, ...more.map((make) => make(clock, leases))),
  };
  return new Proxy(given as Ports, {
    get: (ports, name: keyof Ports) => {
      assert(ports[name], `a function is given every port that its step uses: ${name}`);
      return ports[name];
    },
  });
}
