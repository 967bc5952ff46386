// Custom resource of one cluster: writes its configuration into the table when the stack is deployed. Never touches a
// lease, and leaves the items of a removed cluster alone: its nodes may still be running.

import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { createSettings } from '../adapters/aws/settings';
import type { ClusterConfig } from '../core/model';
import { createTable } from './wiring.lambda-shared';

export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  const { cluster } = event.ResourceProperties;
  const problem = event.RequestType === 'Delete' ? null : await configure(cluster);
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
async function configure(cluster: string): Promise<string | null> {
  try {
    const config = JSON.parse(cluster) as ClusterConfig;
    const put = await createSettings(createTable()).putConfig(config);
    return put.ok ? null : `${config.name}: ${put.error.message}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
