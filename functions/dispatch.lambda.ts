// EventBridge event in, failover execution out. The execution's name is made of what was watched, so that any number of
// triggers for one failure, twice or late, gives one execution (T49, T67).

import { Logger } from '@aws-lambda-powertools/logger';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { EventBridgeEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { createClient } from '../adapters/aws/clients';
import { stateMachineArn } from './wiring.lambda-shared';

const whole = z.number().check(z.int(), z.gte(0));
const detailShape = z.object({
  cluster: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,30}$/)),
  epoch: whole,
  renewals: whole,
  silentMs: z.number().check(z.gte(0)),
  seenBy: z.string(),
  attempt: whole,
});

const logger = new Logger();
const sfn = createClient(SFNClient, { requestTimeoutMs: 5000, maxAttempts: 4 });

/** Name that is the same for every trigger of one failure. */
export const executionName = (detail: z.infer<typeof detailShape>): string =>
  `${detail.cluster}-failover-e${detail.epoch}-r${detail.renewals}-${detail.attempt}`;

export async function handler(
  event: EventBridgeEvent<string, unknown>,
): Promise<{ execution: string; started: boolean } | null> {
  // It has been started before it is needed: that was the point.
  if (['Lease Overdue', 'Scheduled Event'].includes(event['detail-type'])) return null;
  const parsed = detailShape.safeParse(event.detail);
  if (!parsed.success) {
    throw new Error(
      `event '${event['detail-type']}' is not a trigger that can be understood: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { cluster, epoch, renewals, silentMs, seenBy } = parsed.data;
  const name = executionName(parsed.data);
  const input = {
    cluster,
    by: 'automatic',
    reason: event['detail-type'],
    watched: { epoch, renewals, silentMs, seenBy },
  };
  try {
    await sfn.send(
      new StartExecutionCommand({ stateMachineArn: stateMachineArn('failover'), name, input: JSON.stringify(input) }),
    );
    logger.info('failover started', { execution: name, seenBy, silentMs });
    return { execution: name, started: true };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ExecutionAlreadyExists') throw error;
    logger.info('this failure already has its execution', { execution: name, seenBy });
    return { execution: name, started: false };
  }
}
