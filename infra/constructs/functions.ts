// The Lambda functions of a control plane: one per step and a few beside them, each with a role and a log group of its own.
// Must never share a role: what a function may do is its row in infra/grants.ts and nothing else.

import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as Lambda, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { isTogether, type Plan, type PlanStep } from '../../core/plan';
import { plans } from '../../workflows/plans';
import { acknowledgeFunction } from '../acknowledgements';
import { grantsOf, type Places } from '../grants';
import { timeoutS } from '../state-machine';

/** Functions that are no steps, and how long they may take, in ms. */
export const besidesSteps: Record<string, number> = {
  // The gateway waits for 30 s.
  api: 25_000,
  change: 15_000,
  configure: 15_000,
  dispatch: 15_000,
  sweep: 60_000,
  heartbeats: 45_000,
  rounds: 120_000,
  warm: 60_000,
};

/** Lambda's own limit, in s. */
const lambdaLimitS = 900;

export interface FunctionsProps {
  /** Name of the control plane; functions are called `<name>-<step>`. */
  name: string;
  /** Folder of each bundled function, by its name. */
  dirs: Record<string, string>;
  places: Places;
  logRetention: RetentionDays;
}

export class Functions extends Construct {
  private readonly byName = new Map<string, Lambda>();

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    for (const [name, deadlineMs] of [...deadlinesOf(Object.values(plans)), ...Object.entries(besidesSteps)])
      this.byName.set(name, functionIn(new Construct(this, name), name, deadlineMs, props));
  }

  of(name: string): Lambda {
    const found = this.byName.get(name);
    if (!found)
      throw new Error(`'${name}' is a step of a plan or the target of a rule, and there is no function for it`);
    return found;
  }

  get all(): ReadonlyMap<string, Lambda> {
    return this.byName;
  }
}

function functionIn(scope: Construct, name: string, deadlineMs: number, props: FunctionsProps): Lambda {
  const functionName = `${props.name}-${name}`;
  const logGroup = new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: props.logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  for (const statement of grantsOf(name, props.places)) role.addToPolicy(statement);
  acknowledgeFunction(role, name, props.places);
  return new Lambda(scope, 'Function', {
    functionName,
    description: `Mainstay: ${name}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromAsset(props.dirs[name] ?? ''),
    memorySize: 512,
    timeout: Duration.seconds(Math.min(lambdaLimitS, timeoutS(deadlineMs))),
    tracing: Tracing.ACTIVE,
    role,
    logGroup,
    environment: {
      MAINSTAY_TABLE: props.places.tableName,
      MAINSTAY_STATE_MACHINES: props.places.stateMachineArns.join(','),
      MAINSTAY_POKE_DOCUMENT: `${props.name}-poke`,
      MAINSTAY_ENGINE_STOP_DOCUMENT: `${props.name}-engine-stop`,
      MAINSTAY_CONSUMER_DOCUMENT: `${props.name}-consumer`,
      POWERTOOLS_SERVICE_NAME: 'mainstay',
      POWERTOOLS_METRICS_NAMESPACE: 'Mainstay',
    },
  });
}

/** The longest deadline that any plan gives a step. */
function deadlinesOf(all: readonly Plan[]): Map<string, number> {
  const deadlines = new Map<string, number>();
  const note = ({ step, deadlineMs }: Pick<PlanStep, 'step' | 'deadlineMs'>) =>
    deadlines.set(step, Math.max(deadlineMs, deadlines.get(step) ?? 0));
  for (const plan of all) {
    for (const entry of plan.entries) for (const step of isTogether(entry) ? entry.together : [entry]) note(step);
    for (const entry of plan.entries) if (!isTogether(entry) && entry.undo) note(entry.undo);
    for (const entry of plan.entries) if (!isTogether(entry) && entry.ask) note(entry.ask);
    note(plan.afterUndo);
    note(plan.page);
  }
  return deadlines;
}
