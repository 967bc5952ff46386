// Custom resource of one cluster: writes its configuration into the table when the stack is deployed. Never touches a
// lease, and leaves the items of a removed cluster alone: its nodes may still be running.

import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { createBrake } from '../adapters/aws/brake';
import { createSettings } from '../adapters/aws/settings';
import type { BrakeLimits } from '../core/brake';
import type { ClusterConfig } from '../core/model';
import { createTable } from './wiring.lambda-shared';

export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  const { cluster, brake } = event.ResourceProperties;
  const problem = event.RequestType === 'Delete' ? null : await configure(cluster, brake);
  await fetch(event.ResponseURL, {
    method: 'PUT',
    body: JSON.stringify({
      Status: problem === null ? 'SUCCESS' : 'FAILED',
      ...(problem === null ? {} : { Reason: problem }),
      PhysicalResourceId: physicalId(event),
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
    }),
  });
}

/** Another cluster's name is another resource; a deletion must answer with the id that it was asked about. */
function physicalId(event: CloudFormationCustomResourceEvent): string {
  if (event.RequestType === 'Delete') return event.PhysicalResourceId;
  try {
    return `mainstay-configuration-${(JSON.parse(event.ResourceProperties.cluster) as ClusterConfig).name}`;
  } catch {
    return event.RequestType === 'Update' ? event.PhysicalResourceId : 'mainstay-configuration';
  }
}

/** Null when the configuration is written. The value is JSON text, because CloudFormation turns numbers into strings. */
async function configure(cluster: string, brake: string): Promise<string | null> {
  try {
    const config = JSON.parse(cluster) as ClusterConfig;
    const table = createTable();
    const settings = createSettings(table);
    const put = await settings.putConfig(config);
    if (!put.ok) return `${config.name}: ${put.error.message}`;
    // The brake's percentage is of all clusters that there are by now.
    const clusters = await settings.clusters();
    if (!clusters.ok) return clusters.error.message;
    const set = await createBrake(table).configure(JSON.parse(brake) as BrakeLimits, clusters.value.length);
    return set.ok ? null : set.error.message;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
