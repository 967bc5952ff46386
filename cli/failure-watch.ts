// Watching what comes of a node whose power was cut on purpose. Watches only: must never help, because what is rehearsed is what
// happens by itself.

import type { ClusterConfig, Lease, Report } from '../core/model';
import type { JournalEntry } from '../core/ports';
import { seatedLease } from '../desk/cluster';
import type { FailingPlan } from '../desk/failing';
import { type CliProblem, Failure, failure } from '../desk/problems';
import { pollMs } from './follow';
import { recordAct } from './lease-change';
import type { Session } from './session';

export interface Failed {
  config: ClusterConfig;
  plan: FailingPlan;
  by: string;
  objectiveMs: number | null;
  deadlineAtMs: number;
}

/** What one look saw. */
export interface Scene {
  lease: Lease;
  entries: JournalEntry[];
  reports: Report[];
}

/** null: the store did not answer. */
async function look({ desk }: Session, cluster: string): Promise<Scene | null> {
  const [lease, entries, reports] = await Promise.all([
    desk.leases.read(cluster),
    desk.journal.list(cluster, { limit: 100 }),
    desk.reports.list(cluster),
  ]);
  if (!lease.ok || lease.value === null || !entries.ok || !reports.ok) return null;
  return { lease: lease.value, entries: entries.value, reports: reports.value };
}

/** Until `seen` says what was waited for; ends the command at the deadline and after Ctrl-C, and leaves everything to go on. */
export async function awaited<T>(
  session: Session,
  { plan, deadlineAtMs }: Failed,
  what: string,
  seen: (scene: Scene) => Promise<T | null> | T | null,
): Promise<T> {
  const { desk, interrupted } = session;
  const { cluster, next } = plan;
  for (let last = ''; ; ) {
    const scene = await look(session, cluster);
    if (scene) last = refusalSince(scene);
    const found = scene && (await seen(scene));
    if (found !== null) return found;
    if (interrupted() || desk.clock.nowMs() >= deadlineAtMs)
      throw failure('InProgress', `${what} is still awaited${last}`, `mainstay watch ${cluster}; afterwards ${next}`);
    await desk.clock.sleep(pollMs);
  }
}

/** Why nobody has taken over yet, where a failover has said so since the cut. */
function refusalSince({ entries }: Scene): string {
  const since = entries.slice(entries.findLastIndex(({ rule }) => rule === 'fail') + 1);
  const refused = since.findLast(({ kind, rule }) => kind === 'refusal' && !rule.startsWith('Retry.'));
  return refused ? ` (${refused.rule}: ${refused.because})` : '';
}

/** The drill has failed: on record, and the end of the command. Something was changed, whatever a step calls its problem. */
export async function gaveUp(
  session: Session,
  { plan, by }: Failed,
  problem: Omit<CliProblem, 'code'>,
): Promise<never> {
  const { cluster, node } = plan;
  const because = `drill, power of ${node} cut: FAILED: ${problem.message}`;
  const act = { by, rule: 'drill', because, details: { node, met: false } };
  await recordAct(session, await seatedLease(session.desk, cluster), act);
  throw new Failure({ ...problem, code: 'OperationFailed' });
}
