// Shapes of what a person changes on the lease itself, and of losing data with two people's yes.

import { z } from 'zod';
import { phases } from '../core/model';
import { named } from '../desk/shapes';
import { clusterName, holdView, nodeName, reason, time } from './schemas';

const recorded = z
  .boolean()
  .describe('false: the change is made, and the journal did not take who and why: write it down elsewhere');
const name = z.string();

export const reasonRequest = named('ReasonRequest', z.strictObject({ reason }));

export const holdCleared = named('HoldCleared', holdView.extend({ recorded }));

const promotion = {
  cluster: name,
  node: name,
  allowed: z.boolean().describe('whether it may become main, by hand or by itself'),
  by: name.nullable(),
  reason: z.string().nullable(),
  at: time.nullable(),
};
export const promotionView = named('Promotion', z.strictObject(promotion));
export const promotionSet = named('PromotionSet', promotionView.extend({ recorded }));
export const promotionRequest = named('PromotionRequest', z.strictObject({ allowed: z.boolean(), reason }));

export const attemptsView = named(
  'Attempts',
  z.strictObject({
    cluster: name,
    attempts: z
      .array(z.strictObject({ operation: name, at: time }))
      .describe('automatic failovers that nobody has acknowledged, oldest first'),
    maxPerDay: z.int(),
    coolDownMs: z.number(),
  }),
);
export const attemptsAcknowledged = named('AttemptsAcknowledged', attemptsView.extend({ recorded }));

export const serviceChange = named(
  'ServiceChange',
  z.strictObject({
    cluster: name,
    main: name.nullable(),
    phase: z.enum(phases),
    drain: z.enum(['transfer', 'pause']).nullable(),
    epoch: z.int(),
    recorded,
  }),
);

export const lossRequest = named(
  'LossRequest',
  z.strictObject({
    to: nodeName.optional(),
    force: z.boolean().optional().describe('though the main is healthy; it is fenced first all the same'),
    reason,
  }),
);

export const lossQuestion = named(
  'LossQuestion',
  z.strictObject({
    cluster: clusterName,
    plan: z.string().describe('what the second person approves'),
    candidate: name,
    atRisk: z.string(),
    by: name,
    reason: z.string(),
    force: z.boolean(),
    until: time.describe('when it can be approved no more'),
  }),
);
export const lossQuestions = named('LossQuestions', z.strictObject({ approvals: z.array(lossQuestion) }));
