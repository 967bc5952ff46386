// mainstay start: says which node is right, when no protocol can know: at the very first, or after a failover that found
// nobody. Must never seat a second main: a lease that was claimed needs a person's word that the former main is stopped.

import { best, evaluate } from '../../core/candidates';
import { vacantLease } from '../../core/lease';
import type { ClusterConfig, Lease, NodeName } from '../../core/model';
import { abandonedOn, configOf, isAsleep, leaseOf, nodeIn } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { changedLease } from '../../desk/lease-change';
import { failure, must } from '../../desk/problems';
import { durationText } from '../../desk/texts';
import { wake } from '../../workflows/wake';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { recordAct, waitForLease } from '../lease-change';
import type { Session } from '../session';

export interface StartOptions extends ByOptions {
  cluster: string;
  node?: string;
  yes?: boolean;
  reason?: string;
  timeout: number;
}

export const defineStart: Define = (program, act) => {
  const command = program
    .command('start')
    .summary('seat the first main, or say which node is right')
    .description('Seat the first main of a cluster: the most advanced node, or the one you name.')
    .argument('<cluster>')
    .option('--node <name>', 'the node that becomes main')
    .option('--yes', 'after a failover that found nobody: you have seen that the former main is stopped')
    .option('--reason <text>', 'why, for the journal');
  withTimeout(withBy(command), 60)
    .addHelpText('after', examples(['start alpha', 'start alpha --node db1']))
    .action((cluster: string, options: Omit<StartOptions, 'cluster'>) =>
      act((session) => runStart({ cluster, ...options }, session)),
    );
};

export async function runStart(options: StartOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  const startedAtMs = desk.clock.nowMs();
  const config = await configOf(desk, options.cluster);
  const stored = await leaseOf(desk, config.name);
  const lease = stored ?? vacantLease(config.name, config.timings.ttlMs);
  judgeSeatable(lease, options);
  const abandoned = await replaceable(desk, lease);
  const { node, because } = await chosen(desk, config, lease, options.node);
  if (stored === null) await createLease(desk, lease);
  const seated = await changedLease(desk, config, 'seat', () => ({
    node,
    // Judged at this epoch: a world that has moved on meanwhile is another question.
    epoch: lease.epoch,
    ...(abandoned ? { abandoned } : {}),
  }));
  await recordAct(session, seated, {
    by: options.by ?? session.user,
    rule: 'seat',
    because: `${node} is seated at epoch ${seated.epoch}: ${because}${options.reason ? `: ${options.reason}` : ''}`,
  });
  screen.line(`${node} IS SEATED AT EPOCH ${seated.epoch}: ${because}`);
  await endReplaced(session, lease);
  const main = await waitForLease(session, {
    config,
    node,
    timeoutMs: options.timeout * 1000,
    reached: ({ phase, holder, epoch }) => phase === 'held' && holder === node && epoch === seated.epoch,
    what: `${node} becoming main of ${config.name}`,
  });
  await giveVip(session, config, node, main.epoch);
  const ms = Math.round(desk.clock.nowMs() - startedAtMs);
  screen.line(
    screen.paint.green(`START OF '${node}@${config.name}' WAS SUCCESSFUL (epoch ${main.epoch}, ${durationText(ms)})`),
  );
  screen.document({ cluster: config.name, main: node, epoch: main.epoch, ms });
}

/**
 * A failover that sleeps until a person proves the fence gives way to a person's word of another kind: it would hold the lock for
 * a day (T50). Should it have woken this moment, one of the two writes of the lease is refused.
 */
const replaceable = async (desk: Desk, lease: Lease): Promise<string | undefined> =>
  (await isAsleep(desk, lease)) ? lease.operation?.id : abandonedOn(desk, lease);

/** It finds another epoch, touches nothing and ends. One that is not woken does so when its time is over. */
async function endReplaced({ desk, screen }: Session, { cluster, operation, epoch }: Lease): Promise<void> {
  if (operation === null) return;
  const woken = await wake(desk, { cluster, operation: operation.id, epoch });
  if (!woken.ok) screen.warn(`${operation.id} sleeps on, and will touch nothing: ${woken.error.message}`);
}

/** The first main has no workflow that could move the VIP; whoever has it now lost the cluster or never had it. */
async function giveVip({ desk, screen }: Session, config: ClusterConfig, node: NodeName, epoch: number): Promise<void> {
  const from = must(await desk.vip.read(config));
  must(await desk.vip.move(config, from, node, epoch));
  screen.line(`VIP ${config.vip.host}:${config.vip.port} POINTS TO ${node}`);
}

/** Vacant: yes. Claimed: only with a name and a person's word. Anything else has a main. */
function judgeSeatable({ cluster, phase, holder, former, fence, epoch }: Lease, { node, yes }: StartOptions): void {
  if (phase === 'vacant') return;
  if (phase !== 'claimed' && phase !== 'abdicated') {
    const next = phase === 'paused' ? `mainstay resume ${cluster}` : `to move it: mainstay switch ${cluster} --to NODE`;
    throw failure('AlreadySeated', `${cluster} has a main: ${holder} (${phase}, epoch ${epoch})`, next);
  }
  if (node === undefined)
    throw failure(
      'Usage',
      `${cluster} lost its main ${former ?? ''} and nobody could take over`,
      'say which node is right: --node NAME',
    );
  const proof = fence ? `proven stopped by ${fence.how}` : 'NOT proven stopped';
  if (!yes)
    throw failure(
      'Unconfirmed',
      `the former main ${former ?? ''} is ${proof}; what ${node} has not received is lost to the service`,
      `see with your own eyes that ${former ?? 'it'} is stopped, then add --yes`,
    );
}

async function chosen(
  desk: Desk,
  config: ClusterConfig,
  lease: Lease,
  named: string | undefined,
): Promise<{ node: NodeName; because: string }> {
  const reports = must(await desk.reports.list(config.name));
  if (named !== undefined) {
    const { name } = nodeIn(config, named);
    if (reports.some(({ node }) => node === name)) return { node: name, because: 'an operator named it' };
    throw failure('NotEligible', `${name} has never reported`, 'start its agent, then try again');
  }
  const evaluations = evaluate({ config, lease, reports, freshSince: null, mustStream: false });
  const found = best(config, evaluations);
  if (found) return { node: found.node, because: found.because };
  const reasons = evaluations.map(({ node, because }) => `${node}: ${because}`).join('; ');
  throw failure(
    'NoCandidate',
    `no node of ${config.name} can be chosen: ${reasons}`,
    'mend one, or name it: --node NAME',
  );
}

/** Somebody may create it at the same moment: theirs is as vacant as ours, and the seat decides. */
async function createLease(desk: Desk, lease: Lease): Promise<void> {
  const created = await desk.leases.swap(null, { ...lease, nonce: desk.ids.next() });
  if (!created.ok && created.error.code !== 'Refused') must(created);
}
