// The REST API's function: an event of an HTTP API (payload 2.0) in, its response out. No logic: that is api/. Who asks is the IAM
// principal that the gateway has verified, and nothing that the request itself says.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createBrake } from '../adapters/aws/brake';
import { createClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createWaits } from '../adapters/aws/waits';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { handle } from '../api/handle';
import type { ApiRequest } from '../api/http';
import { noAlarms, noPower, noTasks, noVip } from '../desk/check';
import type { Desk } from '../desk/desk';
import { createStepFunctions } from '../desk/step-functions';
import { controlPlane, createTable, required, stateMachineArns } from './wiring.lambda-shared';

/** `authorizer.iam` is there on routes with AWS_IAM, and on no others. */
type Event = APIGatewayProxyEventV2 & {
  requestContext: { authorizer?: { iam?: { userArn?: string } } };
};

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
  operations: createStepFunctions(
    createClient(SFNClient, controlPlane),
    required('MAINSTAY_TABLE'),
    stateMachineArns(),
  ),
  vip: noVip,
  alarms: noAlarms,
  power: noPower,
};

export async function handler(event: Event): Promise<APIGatewayProxyStructuredResultV2> {
  const startedAtMs = clock.nowMs();
  const request = requestOf(event);
  const response = await handle(desk, request, (error) => logger.error('a fault of ours', error as Error));
  const { method, path, who, requestId } = request;
  logger.info('answered', { method, path, who, requestId, status: response.status });
  metrics.addMetric('ApiMs', MetricUnit.Milliseconds, Math.round(clock.nowMs() - startedAtMs));
  metrics.publishStoredMetrics();
  return { statusCode: response.status, headers: response.headers, body: response.body };
}

function requestOf(event: Event): ApiRequest {
  const { requestContext, rawPath, queryStringParameters, headers, body, isBase64Encoded } = event;
  const text = body === undefined ? null : isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  return {
    method: requestContext.http.method,
    path: rawPath,
    query: Object.fromEntries(Object.entries(queryStringParameters ?? {}).map(([name, value]) => [name, value ?? ''])),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value ?? ''])),
    body: text,
    who: requestContext.authorizer?.iam?.userArn ?? null,
    requestId: requestContext.requestId,
  };
}
