// What failing a node on purpose would lead to, and why it must not be done now: the one judgement that the dry run shows and the
// drill obeys. Pure: what explain and plan judge is in the sources already. Power is looked at by whoever cuts it.

import type { ClusterConfig, FenceRung, NodeName } from '../core/model';
import { policyNow } from '../core/policy';
import { nodeIn } from './cluster';
import { hasFallenSilent, type OperationPlan, type PlanSources, planFrom } from './plan';
import { failure } from './problems';

export interface FailingPlan {
  cluster: string;
  node: NodeName;
  instanceId: string;
  role: 'main' | 'backup';
  main: NodeName;
  epoch: number;
  /** main: who would take over. */
  candidate: NodeName | null;
  expected: OperationPlan['expected'] | null;
  atRisk: string;
  /** Once it is over. */
  next: string;
}

/** These prove a dead node stopped; the others wait for a living agent, or for a person. */
const withoutHelp: readonly FenceRung[] = ['self-fence', 'power-off'];

/** Ends the command when a drill of this kind would be an outage, or would tell nothing. */
export function failingPlan(sources: PlanSources, name: NodeName): FailingPlan {
  const { config, lease } = sources;
  const cluster = config.name;
  const { name: node, instanceId } = nodeIn(config, name);
  const shun = lease.shunned[node];
  const next = `mainstay recover ${cluster} ${node}`;
  if (shun) throw failure('NotReady', `${node} is kept out already: ${shun.label}`, next);
  if (lease.phase !== 'held' || lease.holder === null)
    throw failure(
      'NotServing',
      `nobody of ${cluster} serves: the lease is ${lease.phase}`,
      `mainstay explain ${cluster}`,
    );
  const common = { cluster, node, instanceId, main: lease.holder, epoch: lease.epoch, next };
  if (node !== lease.holder) return { ...common, role: 'backup', ...ofBackup(sources, node) };
  refuseWithoutFailover(sources);
  const { candidate, expected, atRisk } = planFrom({ cluster, kind: 'failover' }, sources);
  return { ...common, role: 'main', candidate, expected, atRisk };
}

/** A drill of the main that nobody takes over from by itself is an outage. */
function refuseWithoutFailover({ config, policy, now }: PlanSources): void {
  const { mode } = policyNow(policy, now);
  if (mode !== 'automatic')
    throw failure(
      'Policy',
      `with policy ${mode} nobody takes over by itself`,
      `mainstay policy ${config.name} automatic --reason TEXT; or rehearse by hand: mainstay drill ${config.name}`,
    );
  if (!config.fence.some((rung) => withoutHelp.includes(rung)))
    throw failure(
      'NotReady',
      `nothing could prove a dead main of ${config.name} stopped but a person (fence: ${config.fence.join(', ')})`,
      `let self-fence or power-off count in its configuration; or rehearse by hand: mainstay drill ${config.name}`,
    );
}

function ofBackup(sources: PlanSources, node: NodeName): Pick<FailingPlan, 'candidate' | 'expected' | 'atRisk'> {
  const { config, lease } = sources;
  const without = { ...sources, reports: sources.reports.filter((report) => report.node !== node) };
  const joining = ableToJoin(without);
  if (config.replication.mode === 'strict' && joining.length === 0)
    throw failure(
      'NotReady',
      strictText(config, node),
      `bring another backup up first: mainstay status ${config.name}`,
    );
  // Who could take over from the main while it is down.
  const { candidate } = planFrom({ cluster: config.name, kind: 'failover' }, without);
  const heirs = lease.synced.includes(node) ? joining.filter((name) => !lease.barred[name]) : [];
  const until = heirs.length > 0 ? `${heirs.join(' or ')} is recorded in its place` : `${node} is back`;
  const atRisk =
    candidate === null
      ? `nobody could take over from ${lease.holder} until ${until}`
      : `${lease.holder} serves on, and ${candidate} could take over from it`;
  return { candidate: null, expected: null, atRisk };
}

/** Those that commits can wait for: the main takes them in where one that is on record is lost (S40, S10). */
const ableToJoin = (sources: PlanSources): NodeName[] =>
  sources.config.nodes.flatMap(({ name, priority }) => {
    const { holder, shunned } = sources.lease;
    const report = sources.reports.find((one) => one.node === name);
    const follows = report?.engine.running && report.engine.streaming && !hasFallenSilent(sources, report);
    return follows && priority > 0 && name !== holder && !shunned[name] ? [name] : [];
  });

const strictText = ({ name }: ClusterConfig, node: NodeName): string =>
  `commits of ${name} wait for a backup (strict), and there would be none without ${node}: nobody could write`;
