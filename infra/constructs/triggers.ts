// What starts a function without an operator: a table of rules on the default bus and on the clock. A rule only names its
// function; what the function makes of an event, duplicates and late ones included, is the function's business (T49, T67).

import { Duration } from 'aws-cdk-lib';
import {
  EventBus,
  type EventPattern,
  type IEventBus,
  Match,
  Rule,
  type RuleProps,
  Schedule,
} from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { stepNames } from '../../core/plan';
import { eventSource } from '../../core/triggers';
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
  /** Of the control plane. */
  name: string;
  functions: Functions;
  stateMachineArns: string[];
  /** What a target does not take. */
  deadLetterQueue: IQueue;
}

/** Each cluster's nodes have a source of their own; the functions refuse one that is not the cluster's. */
const fromNodes = Match.prefix(eventSource());

/** What the clock starts, by the rule's id. */
const clocks: Record<string, Trigger> = {
  Heartbeats: {
    description: 'Looks how old each last renewal is: the backstop, when no agent speaks',
    target: 'heartbeats',
    every: Duration.minutes(1),
  },
  Rounds: {
    description: 'Asks whether a failover would work; drills and forgotten maintenances',
    target: 'rounds',
    every: Duration.minutes(5),
  },
  Warm: {
    description: 'Keeps the functions of a failover and a switchover warm',
    target: 'warm',
    every: Duration.minutes(5),
  },
  Sweep: {
    description: 'Status events may be lost: looks for abandoned operations',
    target: 'sweep',
    every: Duration.minutes(1),
  },
};

/** One row per rule, by the rule's id. */
const triggersOf = ({ name, stateMachineArns }: TriggersProps): Record<string, Trigger> => ({
  Failure: {
    description: 'An agent saw the lease expire, or the main gave it up',
    target: 'dispatch',
    pattern: { source: fromNodes, detailType: ['Lease Expired', 'Engine Down'] },
  },
  Change: {
    description: 'A node was asked to become MAIN or BACKUP',
    target: 'change',
    pattern: { source: fromNodes, detailType: ['Change Requested'] },
  },
  // What each event comes to is a table of its own (core/triggers.ts). They come from every instance of the account: what is no node of a
  // cluster costs one read.
  InstanceState: {
    description: 'An instance is going down or is off',
    target: 'dispatch',
    pattern: {
      source: ['aws.ec2'],
      detailType: ['EC2 Instance State-change Notification'],
      detail: { state: ['stopping', 'stopped', 'shutting-down', 'terminated'] },
    },
  },
  Spot: {
    description: 'EC2 takes a spot instance back, or may soon do so',
    target: 'dispatch',
    pattern: {
      source: ['aws.ec2'],
      detailType: ['EC2 Spot Instance Interruption Warning', 'EC2 Instance Rebalance Recommendation'],
    },
  },
  Health: {
    description: 'AWS has scheduled a change of an instance, or tells of an issue',
    target: 'dispatch',
    pattern: {
      source: ['aws.health'],
      detailType: ['AWS Health Event'],
      detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange', 'issue'] },
    },
  },
  Alarm: {
    description: 'An alarm of this control plane rings',
    target: 'dispatch',
    pattern: {
      source: ['aws.cloudwatch'],
      detailType: ['CloudWatch Alarm State Change'],
      detail: { alarmName: [{ prefix: `${name}/` }], state: { value: ['ALARM'] } },
    },
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
  ...clocks,
});

/** A quota of EventBridge. */
const targetsPerRule = 5;

export class Triggers extends Construct {
  /** The rule that the agents' events come through. */
  readonly failure: Rule;
  private readonly bus: IEventBus;
  private readonly functions: Functions;
  private readonly deadLetterQueue: IQueue;

  constructor(scope: Construct, id: string, props: TriggersProps) {
    super(scope, id);
    this.functions = props.functions;
    this.bus = EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    this.deadLetterQueue = props.deadLetterQueue;
    const { Failure, ...others } = triggersOf(props);
    this.failure = this.add('Failure', Failure as Trigger);
    for (const [name, trigger] of Object.entries(others)) this.add(name, trigger);
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
      new LambdaFunction(this.functions.of(target), {
        retryAttempts: 3,
        maxEventAge: Duration.minutes(5),
        deadLetterQueue: this.deadLetterQueue,
      }),
    );
    return rule;
  }

  /**
   * The functions of a failover are started while the failure is still being verified: cold starts would add up. Besides they are
   * kept so by `warm`: Lambda keeps an idle instance for longer than five minutes.
   */
  private warmUp(): void {
    const failover = ['dispatch', ...stepNames(plans.failover)];
    const eventPattern = { source: fromNodes, detailType: ['Lease Overdue'] };
    this.startEarly('WarmUp', failover, { eventBus: this.bus, eventPattern });
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
