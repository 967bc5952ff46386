// How a request begins an operation: its execution's name is made of the idempotency key or of the plan, so that Step Functions itself starts one for
// any number of requests, at once or one after the other. Starts nothing that its first step would refuse now.

import { createHash } from 'node:crypto';
import { jsonIn } from '../../core/errors';
import { plannedName } from '../../desk/apply';
import { checkBeginning, type StartedByPeople } from '../../desk/begin';
import type { Desk } from '../../desk/desk';
import type { OperationInput } from '../../desk/operations';
import { failure, must } from '../../desk/problems';
import type { Answered } from '../handle';
import { apiFailure } from '../problems';

const CONFIRM_MS = 500;

export interface Beginning {
  kind: StartedByPeople;
  /** Of the execution. */
  name: string;
  /** Id of the plan that is applied. */
  plan: string | undefined;
  /** The key, as it is kept. */
  key: string;
  /** Whether an execution of this name is what is asked for. */
  same: (first: OperationInput) => boolean;
  /** What it is started with; refuses what cannot be meant any more. */
  input: () => Promise<OperationInput>;
}

export function namesOf(cluster: string, kind: StartedByPeople, plan: string | undefined, idempotencyKey = '') {
  const key = createHash('sha256').update(`${cluster}\n${idempotencyKey}`).digest('hex').slice(0, 24);
  const planned = plan !== undefined && (kind === 'switchover' || kind === 'failover');
  return { key, name: planned ? plannedName({ cluster, kind }, plan) : `${cluster}-key-${key}` };
}

export async function begun(desk: Desk, beginning: Beginning): Promise<Answered> {
  const before = await replay(desk, beginning);
  if (before) return before;
  const { name, kind } = beginning;
  const input = await beginning.input();
  await checkBeginning(desk, kind, input);
  const started = await desk.operations.start(kind, name, input);
  if (started.ok) return onItsWay(name, kind, input, false);
  // Taken: somebody with the same key was faster, or an attempt of this very request whose reply was lost (T3).
  if (started.error.code === 'Refused') {
    const winner = await replay(desk, beginning);
    if (winner) return winner;
    // DescribeExecution may not know yet what StartExecution knows.
    await desk.clock.sleep(CONFIRM_MS);
    const late = await replay(desk, beginning);
    if (late) return late;
  }
  must(started);
  return onItsWay(name, kind, input, false);
}

/** What the key, or the plan, has started already; refuses when that was something else. null: nothing yet. */
async function replay(desk: Desk, { name, kind, plan, key, same }: Beginning): Promise<Answered | null> {
  const execution = must(await desk.operations.describe(name));
  if (execution === null) return null;
  const first = jsonIn(execution.input) as unknown as OperationInput | null;
  if (plan !== undefined && first?.plan?.request !== key)
    throw failure('Busy', `plan ${plan} was applied by somebody else`, 'see what has come of it', name);
  if (first === null || !same(first) || execution.kind !== kind)
    throw apiFailure(
      'KeyReused',
      'this idempotency key has started another operation',
      'use a new key for a new operation',
      { operation: name },
    );
  return onItsWay(name, kind, first, true);
}

const onItsWay = (operation: string, kind: string, { cluster, by }: OperationInput, replayed: boolean): Answered => ({
  status: 202,
  headers: { location: `/v1/clusters/${cluster}/operations/${operation}` },
  body: { operation, cluster, kind, by, replayed },
});
