// Reads about one cluster that several commands share, and the refusals that follow from them. Writes nothing.

import type { ClusterConfig, Lease, NodeConfig } from '../core/model';
import type { Desk } from './desk';
import { executionsOf } from './operations';
import { type Failure, failure, must } from './problems';

/** The cluster's configuration, or the same sentence as an execution would say. */
export async function configOf(desk: Desk, cluster: string): Promise<ClusterConfig> {
  const config = must(await desk.settings.config(cluster));
  if (config) return config;
  const names = must(await desk.settings.clusters()).join(', ') || 'none';
  throw failure(
    'UnknownCluster',
    `there is no cluster '${cluster}' (known: ${names})`,
    'check the name with: mainstay ls',
  );
}

export const leaseOf = async (desk: Desk, cluster: string): Promise<Lease | null> =>
  must(await desk.leases.read(cluster));

/** The lease of a cluster that has or had a main. */
export async function seatedLease(desk: Desk, cluster: string): Promise<Lease> {
  const lease = await leaseOf(desk, cluster);
  if (lease && lease.phase !== 'vacant') return lease;
  throw failure(
    'Vacant',
    `cluster ${cluster} has never had a main`,
    `say which node is right: mainstay start ${cluster} [--node NAME]`,
  );
}

export function nodeIn(config: ClusterConfig, name: string): NodeConfig {
  const node = config.nodes.find((candidate) => candidate.name === name);
  if (node) return node;
  const names = config.nodes.map((candidate) => candidate.name).join(', ');
  throw failure('UnknownNode', `there is no node '${name}' in ${config.name} (nodes: ${names})`, 'check the name');
}

function busy(lease: Lease): Failure {
  const { id, kind, by, since } = lease.operation ?? { id: '?', kind: '?', by: '?', since: '?' };
  return failure(
    'Busy',
    `${kind} ${id} by ${by} is running since ${since}`,
    `wait for it: mainstay history ${lease.cluster} --operation ${id}`,
  );
}

/** Ends the command when an operation is running; otherwise the id of one that was left behind by an ended execution. */
export async function abandonedOn(desk: Desk, lease: Lease): Promise<string | undefined> {
  if (lease.operation === null) return undefined;
  if (must(await executionsOf(desk).running(lease.operation.id))) throw busy(lease);
  return lease.operation.id;
}
