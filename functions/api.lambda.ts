// The REST API's function: an event of an HTTP API (payload 2.0) in, its response out. No logic: that is api/. Who asks is the IAM
// principal that the gateway has verified, and nothing that the request itself says.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { handle } from '../api/handle';
import type { ApiRequest } from '../api/http';
import { createDesk } from './desk.lambda-shared';
import { createTable } from './wiring.lambda-shared';

/** `authorizer.iam` is there on routes with AWS_IAM, and on no others. */
type Event = APIGatewayProxyEventV2 & {
  requestContext: { authorizer?: { iam?: { userArn?: string } } };
};

const logger = new Logger();
const metrics = new Metrics();
const desk = createDesk(createTable());

export async function handler(event: Event): Promise<APIGatewayProxyStructuredResultV2> {
  const startedAtMs = desk.clock.nowMs();
  const request = requestOf(event);
  const response = await handle(desk, request, (error) => logger.error('a fault of ours', error as Error));
  const { method, path, who, requestId } = request;
  logger.info('answered', { method, path, who, requestId, status: response.status });
  metrics.addMetric('ApiMs', MetricUnit.Milliseconds, Math.round(desk.clock.nowMs() - startedAtMs));
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
