// Custom resource of the stack: writes each cluster's configuration into the table when the stack is deployed. Never
// touches a lease, and leaves the items of a removed cluster alone: its nodes may still be running.

import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { createSettings } from '../adapters/aws/settings';
import type { ClusterConfig } from '../core/model';
import { createTable } from './wiring.lambda-shared';

export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  const problem = event.RequestType === 'Delete' ? null : await configure(event.ResourceProperties.clusters);
  await fetch(event.ResponseURL, {
    method: 'PUT',
    body: JSON.stringify({
      Status: problem === null ? 'SUCCESS' : 'FAILED',
      ...(problem === null ? {} : { Reason: problem }),
      PhysicalResourceId: 'mainstay-configuration',
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
    }),
  });
}

/** Null when every configuration is written. The value is JSON text, because CloudFormation turns numbers into strings. */
async function configure(clusters: string): Promise<string | null> {
  try {
    const settings = createSettings(createTable());
    for (const config of JSON.parse(clusters) as ClusterConfig[]) {
      const put = await settings.putConfig(config);
      if (!put.ok) return `${config.name}: ${put.error.message}`;
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
