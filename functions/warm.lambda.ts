// Called by the clock each five minutes: starts every function that a failover or a switchover needs, which keeps them warm, and says when one
// does not answer. May call the others and nothing else. No logic.

import { Logger } from '@aws-lambda-powertools/logger';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createClient } from '../adapters/aws/clients';
import { asked } from '../adapters/aws/outside';
import { neededInAMoment } from '../workflows/plans';
import { controlPlane, required } from './wiring.lambda-shared';

const logger = new Logger();
/** A cold start takes a second or two, and so many at once a little longer. */
const lambda = createClient(LambdaClient, { ...controlPlane, requestTimeoutMs: 20_000 });
const Payload = JSON.stringify({ 'detail-type': 'Scheduled Event', detail: {} });

/** Why it does not answer, or null. */
async function start(name: string): Promise<string | null> {
  const command = new InvokeCommand({ FunctionName: `${required('MAINSTAY_TABLE')}-${name}`, Payload });
  const answer = await asked('lambda:InvokeFunction', () => lambda.send(command));
  if (!answer.ok) return `${name}: ${answer.error.message}`;
  return answer.value.FunctionError ? `${name}: ${Buffer.from(answer.value.Payload ?? []).toString()}` : null;
}

/** Throws when one does not answer: its errors ring. */
export async function handler(): Promise<{ warm: number }> {
  const broken = (await Promise.all(neededInAMoment.map(start))).filter((answer) => answer !== null);
  if (broken.length > 0) throw new Error(`a failover would not work: ${broken.join('; ')}`);
  logger.info('all are warm', { count: neededInAMoment.length });
  return { warm: neededInAMoment.length };
}
