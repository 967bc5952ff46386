// What is held after a failover (seed 001): which nodes stay out, what they have that the service has not, where it is kept, and
// what lets them back. Pure: configuration, lease and reports in.

import type { ClusterConfig, Hold, Lease, NodeName, Report } from '../core/model';

export interface HeldNode {
  node: NodeName;
  /** `FAILED-OVER-TO-db2` */
  label: string;
  epoch: number;
  /** Last position that it told of, in bytes; null when it has told none. */
  receivedBytes: number | null;
  /** Where the service's history left its own, in bytes. */
  forkBytes: number | null;
  /** By its last report: what it has that the service has not; more may have come after that report (T27). */
  notSynchronisedBytes: number | null;
  /** ISO, of that report. */
  reportedAt: string | null;
  /** What is kept, and where. */
  kept: string;
  next: string;
}

export interface Holds {
  cluster: string;
  hold: Hold | null;
  nodes: HeldNode[];
}

/** The branch that the service went on with when this node lost the role. */
const forkOf = ({ lineage }: Lease, epoch: number): number | null =>
  lineage.find((branch) => branch.epoch >= epoch)?.fromBytes ?? null;

function heldNode(lease: Lease, node: NodeName, report: Report | undefined): HeldNode {
  const { label = '', epoch = 0 } = lease.shunned[node] ?? {};
  const receivedBytes = report?.engine.received?.bytes ?? report?.final?.bytes ?? null;
  const forkBytes = forkOf(lease, epoch);
  const known = receivedBytes !== null && forkBytes !== null;
  const evidence = report?.rejoin?.evidence ?? null;
  return {
    node,
    label,
    epoch,
    receivedBytes,
    forkBytes,
    notSynchronisedBytes: known ? Math.max(0, receivedBytes - forkBytes) : null,
    reportedAt: report?.at ?? null,
    kept: evidence
      ? `evidence of an earlier rejoin in ${evidence} on ${node}; its data is as it was`
      : `its whole data directory on ${node}, stopped and untouched`,
    next: `mainstay-agent inspect, on ${node}, to read its data first; mainstay recover ${lease.cluster} ${node} (keeps what had diverged in its evidenceDir)`,
  };
}

export const holdsOf = (config: ClusterConfig, lease: Lease, reports: readonly Report[]): Holds => ({
  cluster: config.name,
  hold: lease.hold,
  nodes: config.nodes
    .filter(({ name }) => lease.shunned[name] !== undefined)
    .map(({ name }) =>
      heldNode(
        lease,
        name,
        reports.find(({ node }) => node === name),
      ),
    ),
});
