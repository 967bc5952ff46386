// Operations: looked at, reported, and started (begin.ts).

import { jsonIn } from '../../core/errors';
import { accountOf } from '../../desk/account';
import { applied } from '../../desk/apply';
import type { StartedByPeople } from '../../desk/begin';
import { configOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { type Execution, type OperationInput, problemOf } from '../../desk/operations';
import { grouped, outcomeOf } from '../../desk/outcome';
import { Failure, must } from '../../desk/problems';
import { reportText } from '../../desk/report';
import { acceptable } from '../accept';
import type { RequestOf } from '../client-types';
import type { Handler } from '../handle';
import { apiFailure, type Fault } from '../problems';
import { begun, namesOf } from './begin';

/** A few dozen operations; older ones are found by their id, or in the history. */
const LOOKED_AT = 1000;

export const listOperations: Handler = async ({ desk, params: { cluster = '' }, query }) => {
  await configOf(desk, cluster);
  const entries = must(await desk.journal.list(cluster, { limit: LOOKED_AT }));
  const groups = grouped(entries).flatMap(({ operation, entries: own }) =>
    operation === null ? [] : [outcomeOf(operation, own)],
  );
  return { status: 200, body: { operations: groups.reverse().slice(0, Number(query.limit)) } };
};

export const getOperation: Handler = async ({ desk, params: { cluster = '', operation = '' } }) => {
  await configOf(desk, cluster);
  const [described, listed] = await Promise.all([
    desk.operations.describe(operation),
    desk.journal.list(cluster, { operation }),
  ]);
  const found = must(described);
  const entries = must(listed);
  // An execution of another cluster has no entry here, and another cluster in its input.
  const execution = found && clusterOf(found) === cluster ? found : null;
  if (execution === null && entries.length === 0)
    throw apiFailure('NotFound', `${cluster} has no operation of this id`, 'see the list of operations');
  const outcome = outcomeOf(operation, entries, execution ? { execution } : {});
  const failed = execution !== null && !['RUNNING', 'SUCCEEDED'].includes(execution.status);
  const problem = failed ? problemOf({ cluster, operation }, execution, entries) : null;
  return {
    status: 200,
    body: {
      ...outcome,
      cluster,
      status: execution?.status ?? null,
      problem: problem && { code: problem.code, message: problem.message, next: problem.next },
      entries,
    },
  };
};

export const getReport: Handler = async ({ desk, params: { cluster = '' }, query, headers }) => {
  const type = acceptable(headers.accept, ['application/json', 'text/markdown']);
  if (type === null)
    throw apiFailure('NotAcceptable', 'a report is no such thing', 'ask for application/json or text/markdown');
  const { operation } = query as { operation?: string };
  const { outcome, entries } = await accountOf(desk, cluster, operation).catch((error: unknown) => {
    if (error instanceof Failure && error.problem.code === 'BadInput')
      throw apiFailure('NotFound', error.problem.message, 'see the list of operations');
    throw error;
  });
  const body = { cluster, ...outcome, entries };
  const vary = { vary: 'accept' };
  if (type === 'application/json') return { status: 200, headers: vary, body };
  const text = `${reportText(cluster, outcome, entries).join('\n')}\n`;
  return { status: 200, headers: { ...vary, 'content-type': 'text/markdown; charset=utf-8' }, body, text };
};

export const startOperation: Handler = async ({ desk, who, params: { cluster = '' }, headers, body }) => {
  await configOf(desk, cluster);
  const { kind, ...asked } = body as RequestOf<'startOperation'>;
  const { plan, ...rest } = { plan: undefined, ...asked };
  const input: OperationInput = { cluster, ...rest, by: who };
  lossNames(input, plan);
  const { key, name } = namesOf(cluster, kind, plan, headers['idempotency-key']);
  const planned = plan === undefined ? input : { ...input, plan: { id: plan, epoch: 0, request: key } };
  return begun(desk, {
    ...{ kind, name, plan, key },
    same: (first) => meaning(first) === meaning(planned),
    input: () => inputFor(desk, kind, input, plan, key),
  });
};

/** Loss is accepted of one node, with a reason: if that one cannot take over then, nobody else gets the waiver. */
function lossNames({ acceptLoss, to, reason }: OperationInput, plan: string | undefined): void {
  if (!acceptLoss) return;
  const lacking: Fault[] = [
    ...(to === undefined && plan === undefined ? [{ at: 'to', message: 'loss is accepted of one node: name it' }] : []),
    ...(reason === undefined ? [{ at: 'reason', message: 'loss is accepted with a reason' }] : []),
  ].map((fault) => ({ in: 'body', ...fault }));
  if (lacking.length === 0) return;
  const all = lacking.map(({ message }) => message).join('; ');
  throw apiFailure('BadRequest', all, 'GET the plan with acceptLoss=true, and apply it', { errors: lacking });
}

/** A plan is made anew, and must come out as the same one. */
async function inputFor(
  desk: Desk,
  kind: StartedByPeople,
  input: OperationInput,
  plan: string | undefined,
  application: string,
): Promise<OperationInput> {
  if (plan === undefined || (kind !== 'switchover' && kind !== 'failover')) return input;
  const { cluster, to, force, acceptLoss } = input;
  return (await applied(desk, { cluster, kind, to, force, acceptLoss }, input, { id: plan, application })).input;
}

/** Everything but who asks. */
const meaning = ({ to, node, force, acceptLoss, approvedBy, reason, cluster, plan }: OperationInput): string =>
  JSON.stringify([
    // A plan names its candidate itself.
    ...[cluster, plan ? null : (to ?? null), node ?? null, force ?? false, acceptLoss ?? false],
    ...[approvedBy !== undefined, reason ?? null],
  ]);

const clusterOf = ({ input }: Execution): unknown => jsonIn(input)?.cluster;
