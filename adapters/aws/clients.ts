// Builds SDK clients that give up in time: every request has a bound, every call a number of attempts, and connections
// are kept alive so that a renewal costs one round trip. Generic over the client's class: a Lambda bundles only the
// clients that its wiring names. Must never read the environment beyond what the SDK itself does.

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export interface ClientOptions {
  /** Bound of one attempt, from sending to the last byte of the answer, in ms. */
  requestTimeoutMs: number;
  /** Attempts per call, the first included. A call lasts at most this many bounds plus the SDK's pauses. */
  maxAttempts: number;
  /** Bound for opening a connection, in ms; half the request's by default. */
  connectTimeoutMs?: number;
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

function clientConfig(options: ClientOptions) {
  const { requestTimeoutMs, maxAttempts, connectTimeoutMs, region, endpoint, credentials } = options;
  // A connection that a partition left half-open is destroyed by the bound, never reused.
  const agent = { keepAlive: true, keepAliveMsecs: 1000, maxSockets: 50 };
  return {
    maxAttempts,
    retryMode: 'standard',
    requestHandler: {
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true, // without it the SDK only warns and goes on waiting
      socketTimeout: requestTimeoutMs,
      connectionTimeout: connectTimeoutMs ?? Math.ceil(requestTimeoutMs / 2),
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(region ? { region } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
  };
}

export type ClientConfig = ReturnType<typeof clientConfig>;

/** E.g. `createClient(EC2Client, { requestTimeoutMs: 2000, maxAttempts: 3 })`. */
export const createClient = <Client>(Class: new (config: ClientConfig) => Client, options: ClientOptions): Client =>
  new Class(clientConfig(options));

/** Plain objects in and out; undefined attributes are left out, as JSON does. */
export const createDocumentClient = (client: DynamoDBClient): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
