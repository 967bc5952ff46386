// Who may become main, and who would be chosen: pure judgements over reports, each with its reason.
// Shared by the workflows (choose), the dry run (preflight) and the CLI, so that all three say the same.

import { belongs } from './lineage';
import type { ClusterConfig, Lease, NodeConfig, NodeName, Report } from './model';

export interface Evaluation {
  node: NodeName;
  eligible: boolean;
  /** The operator's sentence: why it may, or why it may not. */
  because: string;
  receivedBytes: number | null;
  appliedBytes: number | null;
  /** Behind the most advanced position known, in bytes. */
  lagBytes: number | null;
}

export interface Question {
  config: ClusterConfig;
  lease: Lease;
  reports: readonly Report[];
  /** Reports older than this version of the lease prove nothing about now; null when freshness is not asked for. */
  freshSince: number | null;
  /** switchover: it must be streaming from the main. */
  mustStream: boolean;
  /** For this node a person accepts that acknowledged writes are lost: lag and what commits waited for are no reasons any more. `true`: for whoever would be chosen. */
  acceptLoss?: NodeName | true | undefined;
}

/** The most advanced position among the reports, in bytes; null when nobody told one. */
export function frontBytes(reports: readonly Report[]): number | null {
  const known = reports.flatMap(({ engine }) => (engine.received ? [engine.received.bytes] : []));
  return known.length === 0 ? null : Math.max(...known);
}

function whyNot(
  question: Question,
  node: NodeConfig,
  report: Report | undefined,
  lagBytes: number | null,
): string | null {
  const { config, lease, freshSince, mustStream, acceptLoss } = question;
  const waived = acceptLoss === true || acceptLoss === node.name;
  const shun = lease.shunned[node.name];
  if (node.name === lease.holder) return 'it is the main';
  if (shun) return `it is shunned (${shun.label})`;
  const bar = lease.barred[node.name];
  if (bar) return `${bar.by} has barred it from becoming main: ${bar.reason}`;
  if (mustStream && lease.reservedFor !== null && lease.reservedFor !== node.name)
    return `the role is reserved for ${lease.reservedFor}`;
  if (node.priority === 0) return 'its priority is 0: never promoted';
  if (!report) return 'it has never reported';
  if (freshSince !== null && report.seen.version < freshSince)
    return 'it is down or cut off: no report since this operation began';
  if (report.state !== 'backup') return `it is ${report.state}, not a backup`;
  if (!report.engine.running)
    return `its engine is not running${report.engine.problem ? ` (${report.engine.problem})` : ''}`;
  if (!report.engine.received) return 'it cannot tell its position';
  if (foreignData(question, report)) return 'its data set is another one than the cluster has';
  if (!belongs(lease.lineage, report.engine, report.followed))
    return hasJustBegun(lease, report)
      ? 'it has begun to follow this main a moment ago and has not said so yet: ask again'
      : 'its history left the main’s: recover it';
  if (!mustStream && !waived && mayLack(question, report))
    return `acknowledged writes could be lost: it has less than the recorded backups (${lease.synced.join(', ') || 'none'})`;
  if (mustStream && !report.engine.streaming) return 'its stream from the main is broken';
  const { replayLagMs = 0 } = report.engine;
  if (replayLagMs > config.maxReplayLagMs)
    return `it has not shown all that it has for ${Math.round(replayLagMs / 1000)} s (limit ${config.maxReplayLagMs / 1000} s)`;
  if (!waived && lagBytes !== null && lagBytes > config.maxLagBytes)
    return `it is ${lagBytes} bytes behind (limit ${config.maxLagBytes})`;
  return null;
}

/**
 * sync, strict: whether acknowledged commits may be missing here. A recorded backup has all of them; so has whoever has received
 * as much as one of these, on the same history. Not asked of the first main, and not in a switchover, where the main tells its end.
 */
function mayLack({ config, lease, reports, freshSince }: Question, { node, engine }: Report): boolean {
  if (config.replication.mode === 'async' || lease.phase === 'vacant' || lease.synced.includes(node)) return false;
  const recorded = reports.filter(
    (report) =>
      lease.synced.includes(report.node) &&
      report.seen.version >= (freshSince ?? 0) &&
      belongs(lease.lineage, report.engine, report.followed),
  );
  return !recorded.some(
    (report) => report.engine.received && (engine.received?.bytes ?? 0) >= report.engine.received.bytes,
  );
}

/** It streams from the present main, and this epoch or the main's timeline is told with its next report: within a heartbeat. */
export const hasJustBegun = ({ holder, epoch, lineage }: Lease, { engine, followed }: Report): boolean =>
  engine.streaming &&
  engine.following === holder &&
  ((followed ?? -1) < epoch || (engine.received?.timeline ?? 0) < (lineage.at(-1)?.timeline ?? 0));

/** An empty or rebuilt node under an old name must not be elected (T40): the data set is the main's, present or last. */
function foreignData({ lease, reports }: Question, mine: Report): boolean {
  const main = reports.find(({ node }) => node === (lease.holder ?? lease.former));
  const [ours, theirs] = [main?.engine.dataId, mine.engine.dataId];
  return Boolean(ours && theirs && ours !== theirs);
}

/** Every node of the cluster with its verdict, in configuration order. */
export function evaluate(question: Question): Evaluation[] {
  // A node shunned at an earlier epoch may be ahead on a history that is no longer ours.
  const current = (node: NodeName) =>
    (question.lease.shunned[node]?.epoch ?? question.lease.epoch) >= question.lease.epoch;
  const counts = (report: Report) => current(report.node) && !foreignData(question, report);
  const front = frontBytes(question.reports.filter(counts));
  return question.config.nodes.map((node) => {
    const report = question.reports.find((candidate) => candidate.node === node.name);
    const receivedBytes = report?.engine.received?.bytes ?? null;
    const lagBytes = front !== null && receivedBytes !== null ? front - receivedBytes : null;
    const reason = whyNot(question, node, report, lagBytes);
    return {
      node: node.name,
      eligible: reason === null,
      because: reason ?? `${lagBytes} bytes behind the most advanced, priority ${node.priority}`,
      receivedBytes,
      appliedBytes: report?.engine.applied?.bytes ?? null,
      lagBytes,
    };
  });
}

/** The most advanced of the eligible; among equals the preferred, then the first by name. */
export function best(config: ClusterConfig, evaluations: readonly Evaluation[]): Evaluation | null {
  const priority = (name: NodeName) => config.nodes.find((node) => node.name === name)?.priority ?? 0;
  const ranked = evaluations
    .filter(({ eligible }) => eligible)
    .sort(
      (a, b) =>
        (b.receivedBytes ?? 0) - (a.receivedBytes ?? 0) ||
        priority(b.node) - priority(a.node) ||
        a.node.localeCompare(b.node),
    );
  return ranked[0] ?? null;
}
