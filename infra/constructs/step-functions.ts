// One Standard state machine per plan, rendered from the plan's data (infra/state-machine.ts). Its role may call the
// functions of its own steps and write traces, nothing else.

import { Stack } from 'aws-cdk-lib';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Plan, stepNames } from '../../core/plan';
import { plans } from '../../workflows/plans';
import { render } from '../state-machine';
import type { Functions } from './functions';

export interface StateMachinesProps {
  /** Name of the control plane; state machines are called `<name>-<kind>`, which is how the CLI finds them. */
  name: string;
  functions: Functions;
}

export class StateMachines extends Construct {
  readonly byKind: Record<string, CfnStateMachine>;

  constructor(scope: Construct, id: string, props: StateMachinesProps) {
    super(scope, id);
    this.byKind = Object.fromEntries(
      Object.values(plans).map((plan) => [plan.kind, stateMachine(new Construct(this, plan.kind), plan, props)]),
    );
  }
}

function stateMachine(scope: Construct, plan: Plan, { name, functions }: StateMachinesProps): CfnStateMachine {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  for (const step of stepNames(plan)) functions.of(step).grantInvoke(role);
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('AWSXRayDaemonWriteAccess'));
  const machine = new CfnStateMachine(scope, 'StateMachine', {
    stateMachineName: `${name}-${plan.kind}`,
    stateMachineType: 'STANDARD',
    roleArn: role.roleArn,
    definitionString: Stack.of(scope).toJsonString(render(plan, (step) => functions.of(step).functionArn)),
    tracingConfiguration: { enabled: true },
  });
  // The role's policy must be there before the first execution.
  machine.node.addDependency(role);
  return machine;
}
