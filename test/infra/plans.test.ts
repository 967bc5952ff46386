// Plans and their rendered state machines: valid, complete, and the same as what the interpreter does.

import aslValidator from 'asl-validator';
import { errorNames } from '../../core/errors';
import { isTogether, type Plan, type PlanStep, stepNames } from '../../core/plan';
import { functionNames } from '../../infra/bundle';
import { rights } from '../../infra/grants';
import { render } from '../../infra/state-machine';
import { canUndo, pointOfNoReturn, undoList } from '../../workflows/interpreter';
import { plans } from '../../workflows/plans';
import { steps } from '../../workflows/steps';

const arn = (step: string) => `arn:aws:lambda:us-east-1:111122223333:function:mainstay-${step}`;
const all = Object.values(plans);
const functionFiles = functionNames();

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
        for (const error of errorNames(family).filter(
          (name) => name !== 'Halt.PromoteFailed' && name !== 'Halt.Unproven',
        )) {
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

test('T54: a fence that is not proven sleeps with a task token of its own until it is woken, and then looks again; after a day it pages', () => {
  const states = render(plans.failover, arn, 'aws-us-gov').States as unknown as Record<
    string,
    State & Record<string, unknown>
  >;
  const { ask, name } = plans.failover.entries.find((entry) => !isTogether(entry) && entry.ask) as PlanStep;
  const [first] = states[name]?.Catch ?? [];
  expect(first).toMatchObject({ ErrorEquals: ['Halt.Unproven'], ResultPath: '$.problem', Next: ask?.name });
  expect(states[ask?.name ?? '']).toMatchObject({
    Resource: 'arn:aws-us-gov:states:::lambda:invoke.waitForTaskToken',
    Parameters: {
      FunctionName: arn('ask-operator'),
      Payload: { 'state.$': '$', 'operation.$': '$$.Execution.Name', 'token.$': '$$.Task.Token' },
    },
    TimeoutSeconds: 86_400,
    ResultPath: null,
    Next: name,
    Catch: [{ ErrorEquals: ['States.ALL'], Next: plans.failover.page.name }],
  });
});

test('every function is used by a plan, or is one of the few beside them', () => {
  const beside = ['api', 'change', 'dispatch', 'sweep', 'heartbeats', 'rounds', 'warm', 'configure'];
  const used = new Set([...all.flatMap(stepNames), ...beside]);
  expect(functionFiles.filter((name) => !used.has(name))).toEqual([]);
  expect(Object.keys(rights).sort()).toEqual([...used].sort());
});
