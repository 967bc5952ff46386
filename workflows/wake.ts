// Wakes an operation that sleeps until somebody has something new to say about a fence. Waking proves nothing and may come
// twice or late: whoever wakes looks at everything again, and at the epoch first (T54). A token whose execution is gone is told.

import type { ClusterConfig, Lease, NodeName } from '../core/model';
import type { Outside } from '../core/ports';
import { ok } from '../core/result';
import { nodeOf, type Ports } from './step';
import { demoteAck, type Look, operator, powerOff } from './steps/fence-rungs';

export type Woken =
  | 'woken'
  /** It has gone on already, or was stopped. */
  | 'gone'
  /** No operation of this name and epoch sleeps. */
  | 'nobody';

type Waking = Pick<Ports, 'waits' | 'tasks'>;

export interface Sleeper {
  cluster: string;
  /** Id of the operation, and the epoch that it acts under. */
  operation: string;
  epoch: number;
}

export async function wake({ waits, tasks }: Waking, { cluster, operation, epoch }: Sleeper): Outside<Woken> {
  const read = await waits.read(cluster);
  if (!read.ok) return read;
  if (read.value?.operation !== operation || read.value.epoch !== epoch) return ok('nobody');
  let answer: Awaited<Outside<Woken>> = ok('gone');
  for (const token of read.value.tokens.toReversed()) {
    const woken = await tasks.wake(token);
    if (woken.ok) return ok('woken');
    if (woken.error.code !== 'Refused') answer = woken;
  }
  return answer;
}

/**
 * For an event that tells of a node's instance (stopped, terminated, …): wakes the failover that waits for a proof about this
 * node, if there is one. Costs a read of the lease, and nothing else while nobody waits.
 */
export async function wakeForNode(
  ports: Waking & Pick<Ports, 'leases'>,
  cluster: string,
  node: NodeName,
): Outside<Woken> {
  const read = await ports.leases.read(cluster);
  if (!read.ok) return read;
  const { value: lease } = read;
  if (lease?.phase !== 'claimed' || lease.former !== node || lease.operation === null) return ok('nobody');
  return wake(ports, { cluster, operation: lease.operation.id, epoch: lease.epoch });
}

/** What a fence that looks again would find and has not found yet, as a sentence; null when there is nothing. */
export async function newsFor(
  { reports, power }: Pick<Ports, 'reports' | 'power'>,
  config: ClusterConfig,
  lease: Lease,
): Promise<string | null> {
  const { former } = lease;
  if (lease.phase !== 'claimed' || former === null || lease.fence !== null) return null;
  const listed = await reports.list(config.name);
  const told = listed.ok ? listed.value : [];
  const mayAsk = config.fence.includes('power-off');
  const look: Look = {
    config,
    lease,
    former,
    nowMs: Number.POSITIVE_INFINITY,
    silentSinceMs: Number.POSITIVE_INFINITY,
    report: told.find(({ node }) => node === former),
    reports: told,
    power: mayAsk ? await power.state(nodeOf(config, former).instanceId) : null,
    stoppingSinceMs: null,
    notCut: null,
    vouchedSinceMs: 0,
  };
  const rungs = [demoteAck, powerOff, operator].map((rung) => rung(look));
  return rungs.find(({ verdict, how }) => verdict === 'PROVEN' && config.fence.includes(how))?.evidence ?? null;
}

/** The clock's part, for an event or a word that was lost: wakes a sleeper for which there is news. */
export async function wakeForNews(
  ports: Waking & Pick<Ports, 'reports' | 'power'>,
  config: ClusterConfig,
  lease: Lease,
): Outside<Woken> {
  if (lease.phase !== 'claimed' || lease.operation === null || lease.fence !== null) return ok('nobody');
  const sleeper = { cluster: config.name, operation: lease.operation.id, epoch: lease.epoch };
  return (await newsFor(ports, config, lease)) === null ? ok('nobody') : wake(ports, sleeper);
}
