// The shell around every step: Lambda event in, state out. A problem becomes an Error whose name is `Family.Code`,
// because that is what Step Functions matches on. No logic: that is workflows/run-step.ts.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import type { Context } from 'aws-lambda';
import { errorName, type StepProblem } from '../core/errors';
import { runStep } from '../workflows/run-step';
import type { WorkflowState } from '../workflows/state';
import { createPorts, type MorePorts } from './wiring.lambda-shared';

export interface StepEvent {
  state: unknown;
  /** Name of the execution. */
  operation: string;
  deadlineMs: number;
  /** Task token, for a step that puts its execution to sleep. */
  token?: string;
}

/** A lease is overdue, or five minutes have passed: this function may be needed in a moment, and cold starts add up. */
export interface WarmUp {
  'detail-type': 'Lease Overdue' | 'Scheduled Event';
  detail: { cluster?: string };
}

/** `name` is what Step Functions sees; `message` carries the whole problem for whoever reads the execution. */
export class StepFailed extends Error {
  constructor(problem: StepProblem) {
    super(JSON.stringify(problem));
    this.name = errorName(problem);
  }
}

export function stepHandler(step: string, ...more: MorePorts[]) {
  const logger = new Logger();
  const metrics = new Metrics();
  const tracer = new Tracer();
  const ports = createPorts(more, tracer);
  return async (event: StepEvent | WarmUp, context: Context): Promise<WorkflowState | null> => {
    logger.addContext(context);
    if ('detail-type' in event) {
      // The read opens the connection that the step will need; nothing is done with what it says.
      await ports.leases.read(event.detail.cluster ?? '-');
      return null;
    }
    tracer.putAnnotation('operation', event.operation);
    const startedAtMs = ports.clock.nowMs();
    const result = await runStep(ports, { step, ...event });
    metrics.addDimension('step', step);
    metrics.addMetric('StepMs', MetricUnit.Milliseconds, Math.round(ports.clock.nowMs() - startedAtMs));
    metrics.addMetric(result.ok ? 'StepDone' : 'StepStopped', MetricUnit.Count, 1);
    metrics.publishStoredMetrics();
    if (result.ok) {
      logger.info('step done', { step, operation: event.operation, epoch: result.value.epoch });
      return result.value;
    }
    logger.warn('step stopped', { step, operation: event.operation, problem: { ...result.error } });
    throw new StepFailed(result.error);
  };
}
