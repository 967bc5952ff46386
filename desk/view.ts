// One cluster as an operator looks at it: the lease, the policy and what each node last said, put side by side.
// Pure but for the reads at its end. Ages are wall clock, for people: nothing decides on them.

import { type Evaluation, evaluate } from '../core/candidates';
import { vacantLease } from '../core/lease';
import type { ClusterConfig, Hold, Lease, NodeName, Operation, Phase, Policy, Report } from '../core/model';
import { type PolicyNow, policyNow } from '../core/policy';
import type { ReplicationMode } from '../core/replication';
import { configOf, leaseOf } from './cluster';
import type { Desk } from './desk';
import { must } from './problems';
import { betweenMs } from './times';

/** What `ls` and `status` print for each node with --json. */
export interface NodeView {
  node: NodeName;
  /** `MAIN`, `BACKUP`, `SHUNNED(FAILED-OVER-TO-db2)`, `SILENT(was MAIN)`, `NEVER SEEN` … */
  state: string;
  storedBytes: number | null;
  appliedBytes: number | null;
  lagBytes: number | null;
  following: NodeName | null;
  streaming: boolean;
  deadman: Report['deadman'] | null;
  /** The lease in its kernel: what it lets through now; null when its agent does not say. */
  gate: NonNullable<Report['gate']>['state'] | null;
  /** The lease names it as one that has every acknowledged commit. */
  recorded: boolean;
  seenSecondsAgo: number | null;
  rule: string | null;
  because: string | null;
  /** What the engine complains of. */
  problem: string | null;
  /** Whether it could become main, and why (not). */
  candidate: { eligible: boolean; because: string };
}

export interface ClusterView {
  cluster: string;
  policy: PolicyNow;
  phase: Phase;
  /** Seed 002: L live, P paused cleanly, F the role is reserved for a failback; `-` nobody is main. */
  status: 'L' | 'P' | 'F' | '-';
  epoch: number;
  main: NodeName | null;
  vip: { host: string; port: number };
  hold: Hold | null;
  /** The former main that is not proven stopped: nobody is promoted before it is. */
  unproven: NodeName | null;
  operation: Operation | null;
  drain: Lease['drain'];
  pausedBy: Lease['pausedBy'];
  replication: ReplicationMode;
  /** sync: the main acknowledges alone. */
  degraded: boolean;
  nodes: NodeView[];
}

export interface Sources {
  config: ClusterConfig;
  lease: Lease | null;
  policy: Policy | null;
  reports: Report[];
  /** ISO. */
  now: string;
}

export function clusterView({ config, lease: stored, policy, reports, now }: Sources): ClusterView {
  const lease = stored ?? vacantLease(config.name, config.timings.ttlMs);
  const evaluations = evaluate({ config, lease, reports, freshSince: null, mustStream: false });
  return {
    cluster: config.name,
    policy: policyNow(policy, now),
    phase: lease.phase,
    status: statusOf(lease),
    epoch: lease.epoch,
    main: lease.holder,
    vip: { host: config.vip.host, port: config.vip.port },
    hold: lease.hold,
    unproven: lease.phase === 'claimed' && lease.fence === null ? lease.former : null,
    operation: lease.operation,
    drain: lease.drain,
    pausedBy: lease.pausedBy,
    replication: config.replication.mode,
    degraded: config.replication.mode === 'sync' && lease.phase === 'held' && lease.synced.length === 0,
    nodes: evaluations.map((evaluation) =>
      nodeView(
        evaluation,
        reports.find(({ node }) => node === evaluation.node),
        { config, lease, now },
      ),
    ),
  };
}

const statusOf = ({ phase, reservedFor }: Lease): ClusterView['status'] => {
  if (reservedFor !== null) return 'F';
  if (phase === 'paused') return 'P';
  return phase === 'held' || phase === 'granted' ? 'L' : '-';
};

interface Surroundings {
  config: ClusterConfig;
  lease: Lease;
  now: string;
}

function nodeView(evaluation: Evaluation, report: Report | undefined, around: Surroundings): NodeView {
  const { node, receivedBytes, appliedBytes, lagBytes, eligible, because } = evaluation;
  return {
    node,
    state: stateText(node, report, around),
    storedBytes: receivedBytes,
    appliedBytes,
    lagBytes,
    following: report?.engine.following ?? null,
    streaming: report?.engine.streaming ?? false,
    deadman: report?.deadman ?? null,
    gate: report?.gate ? (report.gate.intact ? report.gate.state : 'absent') : null,
    recorded: around.lease.synced.includes(node),
    seenSecondsAgo: report ? Math.round(betweenMs(report.at, around.now) / 1000) : null,
    rule: report?.rule ?? null,
    because: report?.because ?? null,
    problem: report?.engine.problem ?? null,
    candidate: { eligible, because },
  };
}

/** Reports come every `reportMs`; three missing ones are silence. */
const isSilent = (report: Report, { config, now }: Surroundings): boolean =>
  betweenMs(report.at, now) > 3 * config.timings.reportMs;

function stateText(node: NodeName, report: Report | undefined, around: Surroundings): string {
  const shun = around.lease.shunned[node];
  if (shun) return `SHUNNED(${shun.label})`;
  if (!report) return 'NEVER SEEN';
  const said = report.state.toUpperCase();
  if (isSilent(report, around)) return `SILENT(was ${said})`;
  const idle = report.state === 'fenced' || report.state === 'draining';
  return report.engine.running || idle ? said : `${said}(ENGINE DOWN)`;
}

/** All that is needed for one cluster, read side by side. */
export async function lookAt(desk: Desk, cluster: string): Promise<ClusterView> {
  const config = await configOf(desk, cluster);
  const [lease, policy, reports] = await Promise.all([
    leaseOf(desk, cluster),
    desk.settings.policy(cluster).then(must),
    desk.reports.list(cluster).then(must),
  ]);
  return clusterView({ config, lease, policy, reports, now: desk.clock.wall() });
}
