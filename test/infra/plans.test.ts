// Plans, their rendered state machines, and the synthesized stack: valid, complete, and no wider than the tables say.

import aslValidator from 'asl-validator';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { errorNames } from '../../core/errors';
import { isTogether, type Plan, stepNames } from '../../core/plan';
import { parseConfig } from '../../infra/config';
import { ControlPlaneStack } from '../../infra/control-plane-stack';
import { rights } from '../../infra/grants';
import { render } from '../../infra/state-machine';
import { canUndo, pointOfNoReturn, undoList } from '../../workflows/interpreter';
import { plans } from '../../workflows/plans';
import { steps } from '../../workflows/steps';
import { clusterInput, functionFiles, stubFunctions } from '../support/infra';

const arn = (step: string) => `arn:aws:lambda:us-east-1:111122223333:function:mainstay-${step}`;
const all = Object.values(plans);

interface State {
  Type: string;
  Next?: string;
  Catch?: { ErrorEquals: string[]; Next: string }[];
}

describe.each(all.map((plan): [string, Plan] => [plan.kind, plan]))('%s', (_, plan) => {
  const definition = render(plan, arn);
  const states = definition.States as unknown as Record<string, State>;

  test('renders to a valid state machine', () => {
    const { isValid, errors } = aslValidator(definition as object);
    expect({ isValid, errors: errors.map((error: unknown) => JSON.stringify(error)) }).toEqual({
      isValid: true,
      errors: [],
    });
  });

  test('every step has a function, a file, and a row of rights', () => {
    for (const step of stepNames(plan)) {
      expect(Object.keys(steps)).toContain(step);
      expect(functionFiles).toContain(step);
      expect(Object.keys(rights)).toContain(step);
    }
  });

  test('has exactly one point of no return, and undo only before it', () => {
    const marked = plan.entries.filter((entry) => !isTogether(entry) && entry.pointOfNoReturn);
    expect(marked).toHaveLength(1);
    const withUndo = plan.entries.findLastIndex((entry) => !isTogether(entry) && entry.undo);
    expect(withUndo).toBeLessThan(pointOfNoReturn(plan));
  });

  test('state names are unique and read as a checklist in the order of the plan', () => {
    const walked: string[] = [];
    for (let at: string | undefined = definition.StartAt; at; at = states[at]?.Next) walked.push(at);
    expect(walked).toEqual(plan.entries.map(({ name }) => name));
    expect(new Set(walked).size).toBe(walked.length);
  });

  test('T51: what a failure leads to is what the interpreter does: undo before the point of no return, never after', () => {
    const target = (name: string, error: string) =>
      states[name]?.Catch?.find(({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL'))
        ?.Next;
    for (const [index, entry] of plan.entries.entries()) {
      for (const family of ['Retry', 'Undo', 'Halt'] as const) {
        for (const error of errorNames(family).filter((name) => name !== 'Halt.PromoteFailed')) {
          const undone = canUndo(plan, index, { family });
          expect([entry.name, error, target(entry.name, error)]).toEqual([
            entry.name,
            error,
            undone ? undoList(plan, index)[0]?.name : plan.page.name,
          ]);
        }
      }
    }
  });

  test('T52: the undo list is a chain, newest first, and an undo that fails pages a person', () => {
    for (const index of plan.entries.keys()) {
      const list = undoList(plan, index).map(({ name }) => name);
      for (const [at, name] of list.entries()) {
        expect(states[name]?.Next).toBe(list[at + 1] ?? 'Undone: as it was before');
        expect(states[name]?.Catch).toEqual([expect.objectContaining({ Next: plan.page.name })]);
      }
    }
  });
});

test('a candidate that could not become main leads back to the claim, under a new epoch', () => {
  const states = render(plans.failover, arn).States as unknown as Record<string, State>;
  const [first] = states['Bring the new main into service']?.Catch ?? [];
  expect(first).toMatchObject({ ErrorEquals: ['Halt.PromoteFailed'], Next: 'Claim the lease' });
});

test('every function is used by a plan, or is dispatch, sweep or configure', () => {
  const used = new Set([...all.flatMap(stepNames), 'dispatch', 'sweep', 'configure']);
  expect(functionFiles.filter((name) => !used.has(name))).toEqual([]);
  expect(Object.keys(rights).sort()).toEqual([...used].sort());
});

describe('the synthesized stack', () => {
  const functions = stubFunctions();
  const template = Template.fromStack(
    new ControlPlaneStack(new App(), 'mainstay', {
      config: parseConfig({ clusters: [clusterInput('alpha')] }),
      functionDirs: functions.dirs,
    }),
  );
  afterAll(functions.remove);

  const statements = (): { Action: string | string[]; Resource: unknown }[] =>
    Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
  const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

  test('every function has a role of its own', () => {
    const roles = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) =>
      JSON.stringify(Properties.Role),
    );
    expect(roles).toHaveLength(functionFiles.length);
    expect(new Set(roles).size).toBe(roles.length);
  });

  test('no action is a wildcard, and only calls that know no resources have every resource', () => {
    const unbounded = [
      'ec2:DescribeAddresses',
      'ec2:DescribeInstances',
      'ssm:GetCommandInvocation',
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
    ];
    for (const { Action, Resource } of statements()) {
      for (const action of listed(Action)) {
        expect(action).not.toContain('*');
        if (listed(Resource).includes('*')) expect(unbounded).toContain(action);
      }
    }
  });

  test('only the fence may stop an instance, only dispatch may start a failover, and only the sweep may settle', () => {
    const holders = (action: string) =>
      Object.entries(template.findResources('AWS::IAM::Policy')).filter(([, { Properties }]) =>
        Properties.PolicyDocument.Statement.some((statement: { Action: unknown }) =>
          listed(statement.Action).includes(action),
        ),
      );
    expect(holders('ec2:StopInstances')).toHaveLength(1);
    expect(JSON.stringify(holders('ec2:StopInstances'))).toContain('FunctionsfenceRole');
    const starters = Object.fromEntries(
      holders('states:StartExecution').map(([name, policy]) => [
        name.replace(/^ControlPlaneFunctions|RoleDefaultPolicy.*$/g, ''),
        JSON.stringify(policy),
      ]),
    );
    expect(starters).toEqual({
      dispatch: expect.stringContaining('stateMachine:mainstay-failover'),
      sweep: expect.stringContaining('stateMachine:mainstay-settle'),
    });
    expect(holders('dynamodb:DeleteItem')).toHaveLength(0);
  });

  test('T4, L1: the table is kept, encrypted, recoverable to a point in time, and nothing in it expires', () => {
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    for (const { Properties } of Object.values(template.findResources('AWS::DynamoDB::Table')))
      expect(Properties.TimeToLiveSpecification).toBeUndefined();
  });

  test('an agent that sees the lease expire reaches dispatch', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['mainstay'], 'detail-type': ['Lease Expired', 'Engine Down'] },
    });
  });

  test('T50: an execution that ends badly reaches the sweep, and so does the clock', () => {
    const target = { Arn: { 'Fn::GetAtt': [expect.stringContaining('FunctionssweepFunction'), 'Arn'] } };
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);
    expect(rules).toContainEqual(
      expect.objectContaining({
        EventPattern: expect.objectContaining({
          source: ['aws.states'],
          detail: expect.objectContaining({ status: ['FAILED', 'TIMED_OUT', 'ABORTED'] }),
        }),
        Targets: [expect.objectContaining(target)],
      }),
    );
    expect(rules).toContainEqual(
      expect.objectContaining({ ScheduleExpression: 'rate(1 minute)', Targets: [expect.objectContaining(target)] }),
    );
  });
});
