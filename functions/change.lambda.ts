// A node was asked to become MAIN or BACKUP (core/change.ts) and has announced it: starts the operation that answers it. The name is
// the request's, so that an event that comes twice starts one execution (T67); its epoch is in the input, so that one that comes late
// is refused by the first step (L5, T57).

import { Logger } from '@aws-lambda-powertools/logger';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { EventBridgeEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { createClient } from '../adapters/aws/clients';
import { asked } from '../adapters/aws/outside';
import { refuseForged } from '../adapters/aws/trigger-events';
import { changeExecution, roles } from '../core/change';
import { controlPlane, stateMachineArn } from './wiring.lambda-shared';

const name = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,30}$/));
const detailShape = z.object({
  cluster: name,
  epoch: z.number().check(z.int(), z.gte(0)),
  node: name,
  change: z.enum(roles),
  kind: z.enum(['switchover', 'failover']),
  to: z.nullable(name),
  /** Never a trigger's name: a policy holds triggers back, not people. */
  by: z.string().check(z.regex(/^rest:/), z.maxLength(200)),
  request: z.string().check(z.minLength(8), z.maxLength(100)),
});

const logger = new Logger();
const sfn = createClient(SFNClient, controlPlane);
const alreadyThere = 'ExecutionAlreadyExists';

export async function handler(
  event: EventBridgeEvent<string, unknown>,
): Promise<{ execution: string; started: boolean }> {
  const parsed = detailShape.safeParse(event.detail);
  if (!parsed.success) throw new Error(`'${event['detail-type']}' is no request: ${z.prettifyError(parsed.error)}`);
  refuseForged(event, parsed.data.cluster);
  const { kind, name: execution, input } = changeExecution(parsed.data);
  const command = new StartExecutionCommand({
    stateMachineArn: stateMachineArn(kind),
    name: execution,
    input: JSON.stringify(input),
  });
  const started = await asked('states:StartExecution', () => sfn.send(command), [alreadyThere]);
  if (!started.ok && started.error.details?.error !== alreadyThere) throw new Error(started.error.message);
  logger.info('change requested', { execution, started: started.ok, by: input.by });
  return { execution, started: started.ok };
}
