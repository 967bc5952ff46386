// The control plane of one account and Region: table, functions with a role each, state machines rendered from the plans,
// and the rule that turns an agent's alarm into a failover. Names are made of the stack's name, so that the CLI finds them.

import { type App, Aws, CfnOutput, CustomResource, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus, Rule, type RuleProps, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as Lambda, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { isTogether, type Plan, type PlanStep, stepNames } from '../core/plan';
import { plans } from '../workflows/plans';
import type { MainstayConfig } from './config';
import { grantsOf, type Places } from './grants';
import { pokeDocument } from './poke-document';
import { render, timeoutS } from './state-machine';

export interface ControlPlaneProps extends StackProps {
  config: MainstayConfig;
  /** Folder of each bundled function, by its name. */
  functionDirs: Record<string, string>;
}

/** Functions that are no steps, and how long they may take, in ms. */
const besidesSteps = { dispatch: 15_000, configure: 15_000, sweep: 60_000 };

/** Lambda's own limit, in s. */
const lambdaLimitS = 900;

export class ControlPlaneStack extends Stack {
  private readonly functions = new Map<string, Lambda>();
  private readonly places: Places;

  constructor(app: App, id: string, props: ControlPlaneProps) {
    super(app, id, props);
    const table = this.table();
    const document = new CfnDocument(this, 'PokeDocument', {
      name: `${id}-poke`,
      documentType: 'Command',
      updateMethod: 'NewVersion',
      content: pokeDocument,
    });
    this.places = this.placesOf(table, document.name ?? '', props.config);
    const deadlines = deadlinesOf(Object.values(plans));
    for (const [name, deadlineMs] of [...deadlines, ...Object.entries(besidesSteps)]) {
      this.functions.set(name, this.lambda(name, deadlineMs, props.functionDirs, table));
    }
    for (const plan of Object.values(plans)) this.stateMachine(plan);
    this.trigger();
    new CustomResource(this, 'Configuration', {
      serviceToken: this.functionOf('configure').functionArn,
      serviceTimeout: Duration.minutes(2),
      properties: { clusters: JSON.stringify(props.config.clusters) },
    });
    new CfnOutput(this, 'TableName', { value: table.tableName });
  }

  private table(): Table {
    return new Table(this, 'Table', {
      tableName: this.stackName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // The lease outlives the stack: a table that is deleted takes the epochs with it (L1).
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private placesOf(table: Table, document: string, { clusters }: MainstayConfig): Places {
    const arn = (service: string, resource: string) =>
      `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
    const kinds = Object.keys(plans);
    return {
      tableArn: table.tableArn,
      // By name, not by reference: the functions are made before the state machines that call them.
      stateMachineArns: kinds.map((kind) => arn('states', `stateMachine:${this.stackName}-${kind}`)),
      settleArn: arn('states', `stateMachine:${this.stackName}-settle`),
      failoverArn: arn('states', `stateMachine:${this.stackName}-failover`),
      executionArns: kinds.map((kind) => arn('states', `execution:${this.stackName}-${kind}:*`)),
      pokeDocumentArn: arn('ssm', `document/${document}`),
      busArn: arn('events', 'event-bus/default'),
      arn,
      clusters,
    };
  }

  private lambda(name: string, deadlineMs: number, dirs: Record<string, string>, table: Table): Lambda {
    const functionName = `${this.stackName}-${name}`;
    const logGroup = new LogGroup(this, `Logs-${name}`, {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, `Role-${name}`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    for (const statement of grantsOf(name, this.places)) role.addToPolicy(statement);
    return new Lambda(this, `Function-${name}`, {
      functionName,
      description: `Mainstay: ${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(dirs[name] ?? ''),
      memorySize: 512,
      timeout: Duration.seconds(Math.min(lambdaLimitS, timeoutS(deadlineMs))),
      tracing: Tracing.ACTIVE,
      role,
      logGroup,
      environment: {
        MAINSTAY_TABLE: table.tableName,
        MAINSTAY_STATE_MACHINES: this.places.stateMachineArns.join(','),
        MAINSTAY_POKE_DOCUMENT: `${this.stackName}-poke`,
        POWERTOOLS_SERVICE_NAME: 'mainstay',
        POWERTOOLS_METRICS_NAMESPACE: 'Mainstay',
      },
    });
  }

  private stateMachine(plan: Plan): void {
    const used = stepNames(plan).map((step) => this.functionOf(step));
    const role = new Role(this, `Role-${plan.kind}`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    for (const fn of used) fn.grantInvoke(role);
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('AWSXRayDaemonWriteAccess'));
    const machine = new CfnStateMachine(this, `StateMachine-${plan.kind}`, {
      stateMachineName: `${this.stackName}-${plan.kind}`,
      stateMachineType: 'STANDARD',
      roleArn: role.roleArn,
      definitionString: this.toJsonString(render(plan, (step) => this.functionOf(step).functionArn)),
      tracingConfiguration: { enabled: true },
    });
    // The role's policy must be there before the first execution.
    machine.node.addDependency(role);
    new CfnOutput(this, `${plan.kind}Arn`, { value: machine.attrArn });
  }

  private trigger(): void {
    const bus = EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const rule = new Rule(this, 'FailureRule', {
      eventBus: bus,
      description: 'An agent saw the lease expire, or the main gave it up',
      eventPattern: { source: ['mainstay'], detailType: ['Lease Expired', 'Engine Down'] },
    });
    rule.addTarget(
      new LambdaFunction(this.functionOf('dispatch'), { retryAttempts: 3, maxEventAge: Duration.minutes(5) }),
    );
    this.sweep(bus);
    this.warmUp(bus);
  }

  /**
   * The functions of a failover are started while the failure is still being verified, and kept so by the clock: cold starts would
   * add up. Lambda keeps an idle instance for longer than five minutes.
   */
  private warmUp(bus: IEventBus): void {
    const failover = ['dispatch', ...stepNames(plans.failover)];
    const eventPattern = { source: ['mainstay'], detailType: ['Lease Overdue'] };
    this.startEarly('WarmUpRule', failover, { eventBus: bus, eventPattern });
    const both = [...new Set([...failover, ...stepNames(plans.switchover)])];
    this.startEarly('WarmUpClock', both, { schedule: Schedule.rate(Duration.minutes(5)) });
  }

  private startEarly(id: string, names: readonly string[], when: RuleProps): void {
    for (let first = 0; first < names.length; first += targetsPerRule) {
      const description = 'These functions may be needed in a moment';
      const rule = new Rule(this, `${id}${first / targetsPerRule}`, { ...when, description });
      for (const name of names.slice(first, first + targetsPerRule))
        rule.addTarget(
          new LambdaFunction(this.functionOf(name), { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
        );
    }
  }

  /** T50: what an execution leaves behind that did not end well is put in order at once, and at the latest by the clock. */
  private sweep(bus: IEventBus): void {
    const target = new LambdaFunction(this.functionOf('sweep'), { retryAttempts: 3, maxEventAge: Duration.minutes(5) });
    const ended = new Rule(this, 'ExecutionEndedRule', {
      eventBus: bus,
      description: 'An execution was stopped, timed out or failed: its operation may still be on the lease',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: this.places.stateMachineArns },
      },
    });
    ended.addTarget(target);
    const clock = new Rule(this, 'SweepRule', {
      description: 'Status events may be lost: looks for abandoned operations',
      schedule: Schedule.rate(Duration.minutes(1)),
    });
    clock.addTarget(target);
  }

  private functionOf(name: string): Lambda {
    const found = this.functions.get(name);
    if (!found) throw new Error(`a plan names the step '${name}', and there is no function for it`);
    return found;
  }
}

/** A quota of EventBridge. */
const targetsPerRule = 5;

/** The longest deadline that any plan gives a step. */
function deadlinesOf(all: readonly Plan[]): Map<string, number> {
  const deadlines = new Map<string, number>();
  const note = ({ step, deadlineMs }: Pick<PlanStep, 'step' | 'deadlineMs'>) =>
    deadlines.set(step, Math.max(deadlineMs, deadlines.get(step) ?? 0));
  for (const plan of all) {
    for (const entry of plan.entries) for (const step of isTogether(entry) ? entry.together : [entry]) note(step);
    for (const entry of plan.entries) if (!isTogether(entry) && entry.undo) note(entry.undo);
    note(plan.afterUndo);
    note(plan.page);
  }
  return deadlines;
}
