// Operations: looked at, and started. The execution's name is made of the idempotency key, so that Step Functions itself starts one
// for any number of requests, at once or one after the other. Starts nothing that its first step would refuse now.

import { createHash } from 'node:crypto';
import { jsonIn } from '../../core/errors';
import { applied, plannedName } from '../../desk/apply';
import { checkBeginning } from '../../desk/begin';
import { configOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { type Execution, type OperationInput, problemOf } from '../../desk/operations';
import { grouped, outcomeOf } from '../../desk/outcome';
import { failure, must } from '../../desk/problems';
import type { Answered, Handler } from '../handle';
import { apiFailure } from '../problems';
import type { OperationRequest } from '../schemas';

/** A few dozen operations; older ones are found by their id, or in the history. */
const LOOKED_AT = 1000;
const CONFIRM_MS = 500;

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

export const startOperation: Handler = async ({ desk, who, params: { cluster = '' }, headers, body }) => {
  await configOf(desk, cluster);
  const request = requestFrom(cluster, body as OperationRequest, who, headers['idempotency-key'] ?? '');
  const before = await replay(desk, request);
  if (before) return before;
  const { name, kind } = request;
  const input = await inputFor(desk, request);
  await checkBeginning(desk, kind, input);
  const started = await desk.operations.start(kind, name, input);
  if (started.ok) return onItsWay(name, kind, input, false);
  // Taken: somebody with the same key was faster, or an attempt of this very request whose reply was lost (T3).
  if (started.error.code === 'Refused') {
    const winner = await replay(desk, request);
    if (winner) return winner;
    // DescribeExecution may not know yet what StartExecution knows.
    await desk.clock.sleep(CONFIRM_MS);
    const late = await replay(desk, request);
    if (late) return late;
  }
  must(started);
  return onItsWay(name, kind, input, false);
};

interface Request {
  kind: OperationRequest['kind'];
  /** Of the execution. */
  name: string;
  input: OperationInput;
  /** Id of the plan that is applied. */
  plan: string | undefined;
  /** The key, as it is kept. */
  key: string;
}

function requestFrom(cluster: string, body: OperationRequest, by: string, key: string): Request {
  const { kind, ...asked } = body;
  const { plan, ...input } = { plan: undefined, ...asked };
  const hash = createHash('sha256').update(`${cluster}\n${key}`).digest('hex').slice(0, 24);
  const name =
    plan !== undefined && kind !== 'recover' ? plannedName({ cluster, kind }, plan) : `${cluster}-key-${hash}`;
  return { kind, name, input: { cluster, ...input, by }, plan, key: hash };
}

/** A plan is made anew, and must come out as the same one. */
async function inputFor(desk: Desk, { kind, input, plan, key }: Request): Promise<OperationInput> {
  if (plan === undefined || kind === 'recover') return input;
  const { cluster, to, force } = input;
  return (await applied(desk, { cluster, kind, to, force }, input, { id: plan, application: key })).input;
}

/** What the key, or the plan, has started already; refuses when that was something else. null: nothing yet. */
async function replay(desk: Desk, request: Request): Promise<Answered | null> {
  const { name, kind, plan, key } = request;
  const execution = must(await desk.operations.describe(name));
  if (execution === null) return null;
  const first = jsonIn(execution.input) as unknown as OperationInput | null;
  if (plan !== undefined && first?.plan?.request !== key)
    throw failure('Busy', `plan ${plan} was applied by somebody else`, 'see what has come of it', name);
  if (first === null || meaning(kind, first) !== meaning(kind, asAsked(request)) || execution.kind !== kind)
    throw apiFailure(
      'KeyReused',
      'this idempotency key has started another operation',
      'use a new key for a new operation',
      { operation: name },
    );
  return onItsWay(name, kind, first, true);
}

const asAsked = ({ input, plan, key }: Request): OperationInput =>
  plan === undefined ? input : { ...input, plan: { id: plan, epoch: 0, request: key } };

/** Everything but who asks. */
const meaning = (kind: string, { to, node, force, reason, cluster, plan }: OperationInput): string =>
  // A plan names its candidate itself.
  JSON.stringify([kind, cluster, plan ? null : (to ?? null), node ?? null, force ?? false, reason ?? null]);

const clusterOf = ({ input }: Execution): unknown => jsonIn(input)?.cluster;

const onItsWay = (operation: string, kind: string, { cluster, by }: OperationInput, replayed: boolean): Answered => ({
  status: 202,
  headers: { location: `/v1/clusters/${cluster}/operations/${operation}` },
  body: { operation, cluster, kind, by, replayed },
});
