// One Standard state machine per plan, rendered from the plan's data (infra/state-machine.ts). Its role may call the
// functions of its own steps and write traces and logs, nothing else.

import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Plan, stepNames } from '../../core/plan';
import { plans } from '../../workflows/plans';
import { acknowledgeStateMachine } from '../acknowledgements';
import type { Places } from '../grants';
import { render } from '../state-machine';
import type { Functions } from './functions';

export interface StateMachinesProps {
  /** Name of the control plane; state machines are called `<name>-<kind>`, which is how the CLI finds them. */
  name: string;
  places: Places;
  functions: Functions;
  logRetention: RetentionDays;
}

/** What Step Functions itself calls in the role's name: neither traces nor log deliveries know resources. */
const ownCalls = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

export class StateMachines extends Construct {
  readonly byKind: Record<string, CfnStateMachine>;

  constructor(scope: Construct, id: string, props: StateMachinesProps) {
    super(scope, id);
    this.byKind = Object.fromEntries(
      Object.values(plans).map((plan) => [plan.kind, stateMachine(new Construct(this, plan.kind), plan, props)]),
    );
  }
}

function stateMachine(
  scope: Construct,
  plan: Plan,
  { name, places, functions, logRetention }: StateMachinesProps,
): CfnStateMachine {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  const called = stepNames(plan).map((step) => functions.of(step).functionArn);
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: called }));
  role.addToPolicy(new PolicyStatement({ actions: ownCalls, resources: ['*'] }));
  acknowledgeStateMachine(role, places);
  const logGroup = new LogGroup(scope, 'Logs', {
    // Under this prefix CloudWatch needs no resource policy per group, of which an account has ten.
    logGroupName: `/aws/vendedlogs/states/${name}-${plan.kind}`,
    retention: logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const machine = new CfnStateMachine(scope, 'StateMachine', {
    stateMachineName: `${name}-${plan.kind}`,
    stateMachineType: 'STANDARD',
    roleArn: role.roleArn,
    definitionString: Stack.of(scope).toJsonString(render(plan, (step) => functions.of(step).functionArn)),
    tracingConfiguration: { enabled: true },
    loggingConfiguration: {
      level: 'ALL',
      includeExecutionData: true,
      destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logGroup.logGroupArn } }],
    },
  });
  // The role's policy must be there before the first execution.
  machine.node.addDependency(role);
  return machine;
}
