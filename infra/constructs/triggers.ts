// What starts a function without an operator: a table of rules on the default bus and on the clock. A rule only names its
// function; what the function makes of an event, duplicates and late ones included, is the function's business (T49, T67).

import { Duration } from 'aws-cdk-lib';
import { EventBus, type EventPattern, type IEventBus, Rule, type RuleProps, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { stepNames } from '../../core/plan';
import { plans } from '../../workflows/plans';
import type { Functions } from './functions';

export interface Trigger {
  description: string;
  /** Name of the function that is called. */
  target: string;
  pattern?: EventPattern;
  every?: Duration;
}

export interface TriggersProps {
  functions: Functions;
  stateMachineArns: string[];
}

/** One row per rule, by the rule's id. */
const triggersOf = ({ stateMachineArns }: TriggersProps): Record<string, Trigger> => ({
  Failure: {
    description: 'An agent saw the lease expire, or the main gave it up',
    target: 'dispatch',
    pattern: { source: ['mainstay'], detailType: ['Lease Expired', 'Engine Down'] },
  },
  // T50: what an execution leaves behind that did not end well is put in order at once, and at the latest by the clock.
  ExecutionEnded: {
    description: 'An execution was stopped, timed out or failed: its operation may still be on the lease',
    target: 'sweep',
    pattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: stateMachineArns },
    },
  },
  Sweep: {
    description: 'Status events may be lost: looks for abandoned operations',
    target: 'sweep',
    every: Duration.minutes(1),
  },
});

/** A quota of EventBridge. */
const targetsPerRule = 5;

export class Triggers extends Construct {
  private readonly bus: IEventBus;
  private readonly functions: Functions;

  constructor(scope: Construct, id: string, props: TriggersProps) {
    super(scope, id);
    this.functions = props.functions;
    this.bus = EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    for (const [name, trigger] of Object.entries(triggersOf(props))) this.add(name, trigger);
    this.warmUp();
  }

  /** A rule of one's own beside the table. */
  add(id: string, { description, target, pattern, every }: Trigger): Rule {
    const rule = new Rule(this, id, {
      description,
      ...(pattern ? { eventBus: this.bus, eventPattern: pattern } : {}),
      ...(every ? { schedule: Schedule.rate(every) } : {}),
    });
    rule.addTarget(
      new LambdaFunction(this.functions.of(target), { retryAttempts: 3, maxEventAge: Duration.minutes(5) }),
    );
    return rule;
  }

  /**
   * The functions of a failover are started while the failure is still being verified, and kept so by the clock: cold starts would
   * add up. Lambda keeps an idle instance for longer than five minutes.
   */
  private warmUp(): void {
    const failover = ['dispatch', ...stepNames(plans.failover)];
    const eventPattern = { source: ['mainstay'], detailType: ['Lease Overdue'] };
    this.startEarly('WarmUp', failover, { eventBus: this.bus, eventPattern });
    const both = [...new Set([...failover, ...stepNames(plans.switchover)])];
    this.startEarly('WarmUpClock', both, { schedule: Schedule.rate(Duration.minutes(5)) });
  }

  private startEarly(id: string, names: readonly string[], when: RuleProps): void {
    for (let first = 0; first < names.length; first += targetsPerRule) {
      const description = 'These functions may be needed in a moment';
      const rule = new Rule(this, `${id}${first / targetsPerRule}`, { ...when, description });
      for (const name of names.slice(first, first + targetsPerRule))
        rule.addTarget(
          new LambdaFunction(this.functions.of(name), { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
        );
    }
  }
}
