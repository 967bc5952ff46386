// Who may do what, in the example with every option on: equal to docs/iam.md, without wildcards, no wider than what the
// functions are made of, and not growing with the number of clusters.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { stepNames } from '../../core/plan';
import { withoutResources } from '../../infra/acknowledgements';
import { functionNames } from '../../infra/bundle';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { ProtectedCluster } from '../../infra/constructs/protected-cluster';
import { type Right, rights } from '../../infra/grants';
import { iamPage } from '../../infra/iam-page';
import { stubFunctions } from '../../infra/stub-functions';
import { plans } from '../../workflows/plans';
import { clusterInput } from '../support/infra';

const root = join(__dirname, '../..');
const source = (file: string): string => readFileSync(join(root, file), 'utf8');
const { rows, text } = iamPage();
const holders = (action: string): string[] => [
  ...new Set(rows.filter((row) => row.action === action).map(({ holder }) => holder)),
];

test('docs/iam.md has every right of the synthesized app and no other: run `npm run docs` and read what has changed', () => {
  const page = source('docs/iam.md');
  const lines = (of: string) => of.split('\n').filter((line) => line.startsWith('| `'));
  expect(lines(text).filter((line) => !lines(page).includes(line))).toEqual([]);
  expect(page).toBe(text);
});

test('no action is a wildcard, no managed policy of AWS is used, and only actions that know no resources have every resource', () => {
  expect(rows.filter(({ action }) => /[*?]/.test(action) || !/^[a-z0-9-]+:[A-Z]\w+$/.test(action))).toEqual([]);
  const unbounded = [...new Set(rows.filter(({ resource }) => resource === '*').map(({ action }) => action))].sort();
  expect(unbounded).toEqual(Object.keys(withoutResources).sort());
});

test('a right on every instance, address, interface or document carries the condition on the tag', () => {
  const wide = rows.filter(({ resource }) =>
    /^(ec2|ssm) (instance|elastic-ip|network-interface|document)\/\*$/.test(resource),
  );
  expect(wide.length).toBeGreaterThan(10);
  expect(wide.filter(({ condition }) => !/esourceTag\/mainstay:control-plane = mainstay$/.test(condition))).toEqual([]);
});

test('every right on items is bounded by their partition, and a node reaches those of its own cluster only', () => {
  const items = rows.filter(({ action }) => action.startsWith('dynamodb:'));
  expect(items.filter(({ condition }) => !condition.startsWith('dynamodb:LeadingKeys like '))).toEqual([]);
  for (const cluster of ['alpha', 'beta'])
    expect(
      items
        .filter(({ holder }) => holder === `node of ${cluster}`)
        .map(({ action, condition }) => `${action} ${condition.replace('dynamodb:LeadingKeys like ', '')}`)
        .sort(),
    ).toEqual([
      `dynamodb:GetItem CLUSTER#${cluster}`,
      `dynamodb:GetItem CONFIG#${cluster}`,
      `dynamodb:PutItem CLUSTER#${cluster}`,
      `dynamodb:Query CLUSTER#${cluster}`,
    ]);
  // Quotas and the brake are counted and cleared; what a cluster has is never deleted (L1).
  const changing = items.filter(({ action }) => /Delete|Scan|Batch|Update|Transact/.test(action));
  expect(changing.filter(({ condition }) => condition !== 'dynamodb:LeadingKeys like FLEET#*')).toEqual([]);
});

test('configuration and policy are written by the deployment and by what people ask for, and by nobody else', () => {
  const writers = rows.filter(
    ({ action, condition }) => /^dynamodb:(?!GetItem|Query)/.test(action) && condition.includes('CONFIG#'),
  );
  expect(writers.map(({ holder, action }) => `${holder} ${action}`).sort()).toEqual([
    'api dynamodb:PutItem',
    'configure dynamodb:PutItem',
  ]);
});

test("a node publishes in its own cluster's name only, a function in the control plane's", () => {
  const publishers = rows.filter(({ action }) => action === 'events:PutEvents');
  expect(publishers.length).toBeGreaterThan(3);
  for (const { holder, condition } of publishers)
    expect([holder, condition]).toEqual([
      holder,
      `events:source = mainstay${holder.startsWith('node of ') ? `.${holder.slice('node of '.length)}` : ''}`,
    ]);
});

test('only the fence may stop an instance, only the sweep may settle or fail back, and what people ask for is started by three functions', () => {
  expect(holders('ec2:StopInstances')).toEqual(['fence']);
  expect(holders('ec2:StartInstances')).toEqual(['power-on']);
  const starters = rows.filter(({ action }) => action === 'states:StartExecution');
  expect(starters.map(({ holder, resource }) => [holder, resource])).toEqual([
    ['api', 'states stateMachine:mainstay-failback'],
    ['api', 'states stateMachine:mainstay-failover'],
    ['api', 'states stateMachine:mainstay-recover'],
    ['api', 'states stateMachine:mainstay-switchover'],
    ['change', 'states stateMachine:mainstay-failover'],
    ['change', 'states stateMachine:mainstay-switchover'],
    ['dispatch', 'states stateMachine:mainstay-failover'],
    ['dispatch', 'states stateMachine:mainstay-switchover'],
    ['rounds', 'states stateMachine:mainstay-switchover'],
    ['sweep', 'states stateMachine:mainstay-failback'],
    ['sweep', 'states stateMachine:mainstay-settle'],
  ]);
});

test('a state machine may call the functions of its plan and no others', () => {
  for (const plan of Object.values(plans)) {
    const called = rows.filter(
      ({ holder, action }) => holder === `state machine ${plan.kind}` && action.startsWith('lambda:'),
    );
    expect(called.map(({ resource }) => resource.replace('function mainstay-', '')).sort()).toEqual(
      [...stepNames(plan)].sort(),
    );
  }
});

/** What a function's file brings in, and the rights one of which it then must have. */
const portRights: Record<string, readonly Right[]> = {
  events: ['publish'],
  executions: ['executions'],
  poker: ['poke', 'redirect', 'stop-engine'],
  power: ['cut-power', 'start-power', 'see-power'],
  tasks: ['wake'],
  vip: ['see-vip', 'take-vip', 'move-vip'],
  'record-vip': ['see-spread'],
};

test('a function has the rights of a port exactly if its file brings that port in', () => {
  for (const name of functionNames()) {
    const file = source(`functions/${name}.lambda.ts`);
    for (const [port, oneOf] of Object.entries(portRights))
      expect([name, port, oneOf.some((right) => rights[name]?.includes(right))]).toEqual([
        name,
        port,
        file.includes(`./ports/${port}.lambda-shared`),
      ]);
  }
});

/** Sources that a step is made of: its own file and what that imports, but not the frame that all steps share. */
function sourcesOf(file: string, seen = new Set<string>()): string {
  // What the sweep itself lists is its own; a step shares one judgement with it.
  if (seen.has(file) || /^(core|workflows\/(step|sweep))\b/.test(file)) return '';
  seen.add(file);
  const text = source(`${file}.ts`);
  const imports = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) => join(file, '..', path));
  return [text, ...imports.map((path) => sourcesOf(path, seen))].join('\n');
}

test('a step may list reports exactly if it or something it is made of does', () => {
  const files: Record<string, string> = {
    ...Object.fromEntries(['failback', 'recover', 'settle', 'switchover'].map((kind) => [`begin-${kind}`, 'begin'])),
    'choose-after-fence': 'choose',
    'choose-for-switchover': 'choose',
  };
  const listing = Object.values(plans)
    .flatMap(stepNames)
    .filter((step) => /reportsOf\(|reports\.list\(/.test(sourcesOf(`workflows/steps/${files[step] ?? step}`)));
  const isStep = (name: string) => Object.values(plans).some((plan) => stepNames(plan).includes(name));
  const allowed = Object.keys(rights).filter((name) => isStep(name) && rights[name]?.includes('reports'));
  expect([...new Set(listing)].sort()).toEqual(allowed);
});

test('rights on functions do not grow with the number of clusters, and every policy is shorter than IAM allows', () => {
  const functions = stubFunctions();
  const sizesWith = (clusters: number) => {
    const app = new App();
    const stack = new Stack(app, 'mainstay');
    const controlPlane = new ControlPlane(stack, 'ControlPlane', { functionDirs: functions.dirs });
    for (let index = 0; index < clusters; index++) {
      const name = `cluster${index}`;
      new ProtectedCluster(stack, name, { controlPlane, cluster: clusterInput(name) });
    }
    const template = Template.fromStack(stack);
    const longest = (type: string) =>
      Math.max(
        ...Object.values(template.findResources(type)).map(
          ({ Properties }) => JSON.stringify(Properties.PolicyDocument).length,
        ),
      );
    return { inline: longest('AWS::IAM::Policy'), managed: longest('AWS::IAM::ManagedPolicy') };
  };
  const one = sizesWith(1);
  expect(sizesWith(4).inline).toBe(one.inline);
  // IAM's quotas; intrinsic functions make the template's text longer than the policy.
  expect(one.inline).toBeLessThan(10_240);
  expect(one.managed).toBeLessThan(6_144);
  functions.remove();
});
