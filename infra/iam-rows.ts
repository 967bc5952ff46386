// Who may do what, read out of a synthesized app: one row per holder, action, resource and condition. Looks at every IAM
// policy in the tree, whoever made it, so that no right is missed because nobody thought of listing it.

import { Stack } from 'aws-cdk-lib';
import { CfnApiDestination } from 'aws-cdk-lib/aws-events';
import { CfnManagedPolicy, CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

export interface IamRow {
  /** `fence`, `state machine failover`, `node of alpha`, `webhook chat`; the construct's path where it is none of these. */
  holder: string;
  action: string;
  resource: string;
  /** Empty where there is none. */
  condition: string;
}

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, string | string[]>>;
}

const listed = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

export function iamRows(app: IConstruct): IamRow[] {
  const rows = app.node.findAll().flatMap((construct) => {
    const holder = holderOf(construct.node.path);
    const resolve = <T>(value: unknown) => Stack.of(construct).resolve(value) as T;
    if (CfnPolicy.isCfnPolicy(construct) || CfnManagedPolicy.isCfnManagedPolicy(construct))
      return statementsOf(resolve(construct.policyDocument)).flatMap((statement) =>
        rowsOf(holder, statement, construct),
      );
    if (!CfnRole.isCfnRole(construct)) return [];
    const inline = resolve<{ policyDocument: unknown }[] | undefined>(construct.policies) ?? [];
    const attached = resolve<unknown[] | undefined>(construct.managedPolicyArns) ?? [];
    return [
      ...inline.flatMap(({ policyDocument }) =>
        statementsOf(policyDocument).flatMap((statement) => rowsOf(holder, statement, construct)),
      ),
      ...attached.map((arn) => ({ holder, action: 'everything in', resource: text(arn, construct), condition: '' })),
    ];
  });
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const statementsOf = (document: unknown): Statement[] => (document as { Statement: Statement[] }).Statement;

/** A statement without Allow takes away; it needs no row. */
const rowsOf = (holder: string, { Effect, Action, Resource, Condition }: Statement, at: IConstruct): IamRow[] =>
  Effect === 'Allow'
    ? listed(Action).flatMap((action) =>
        listed(Resource).map((resource) => ({
          holder,
          action,
          resource: text(resource, at),
          condition: conditionText(Condition ?? {}),
        })),
      )
    : [];

function holderOf(path: string): string {
  const [, kind, name] = /\/(Functions|StateMachines)\/([^/]+)\/Role\//.exec(path) ?? [];
  if (kind === 'Functions') return name ?? path;
  if (kind === 'StateMachines') return `state machine ${name}`;
  const [, webhook] = /\/Webhooks\/([^/]+)\//.exec(path) ?? [];
  if (webhook) return `webhook ${webhook}`;
  const [, cluster] = /\/([^/]+)\/NodePolicy\//.exec(path) ?? [];
  return cluster ? `node of ${cluster.toLowerCase()}` : path;
}

const operators: Record<string, string> = { StringEquals: '=', StringLike: 'like' };

const conditionText = (condition: NonNullable<Statement['Condition']>): string =>
  Object.entries(condition)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => {
        const sign = operators[operator.replace('ForAllValues:', '')] ?? operator;
        return `${key} ${sign} ${listed(values)
          .map((value) => text(value))
          .join(' or ')}`;
      }),
    )
    .join('; ');

/** What a resolved value names, as a person would say it: `table mainstay`, `ec2 instance/*`. */
function text(value: unknown, at?: IConstruct): string {
  const arn = plain(value, at);
  const [, service, rest] = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.*)$/.exec(arn.replaceAll(/<AWS::\w+>/g, '')) ?? [];
  return service === undefined ? arn.replaceAll(/<AWS::(\w+)>/g, '<$1>') : `${service} ${rest}`;
}

function plain(value: unknown, at?: IConstruct): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[intrinsic, argument] = ['', '']] = Object.entries(value) as [string, unknown][];
  if (intrinsic === 'Ref') return String(argument).startsWith('AWS::') ? `<${argument}>` : named(String(argument), at);
  if (intrinsic === 'Fn::GetAtt') return named(String((argument as string[])[0]), at);
  if (intrinsic === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map((part) => plain(part, at)).join(separator);
  }
  return JSON.stringify(value);
}

/** Properties that name a resource, and what the resource is. */
const names: Record<string, string> = {
  tableName: 'table',
  functionName: 'function',
  logGroupName: 'log group',
  apiDestination: 'API destination',
};

/** The resource of this stack with this logical id, by its physical name where it has one. */
function named(logicalId: string, at?: IConstruct): string {
  if (!at) return logicalId;
  const stack = Stack.of(at);
  const found = stack.node
    .findAll()
    .find((child) => 'logicalId' in child && stack.resolve(child.logicalId) === logicalId);
  if (found instanceof CfnApiDestination) return `API destination ${stack.resolve(found.name)}`;
  for (const [property, kind] of Object.entries(names)) {
    const name = stack.resolve((found as unknown as Record<string, unknown> | undefined)?.[property]);
    if (typeof name === 'string') return `${kind} ${name}`;
  }
  return logicalId;
}
