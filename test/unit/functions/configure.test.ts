// The custom resource of a cluster: a removed cluster keeps everything it has in the table, and a failure is told to
// CloudFormation instead of being waited out.

import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { handler } from '../../../functions/configure.lambda';

const common = {
  ServiceToken: 'arn:aws:lambda:us-east-1:111122223333:function:mainstay-configure',
  ResponseURL: 'https://response.example.com/',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Configuration',
  ResourceType: 'Custom::MainstayCluster',
};
const properties = (cluster: string) => ({ ServiceToken: common.ServiceToken, cluster });

/** What CloudFormation is answered. There is no table in this process: whoever asks for it fails. */
async function answer(event: Partial<CloudFormationCustomResourceEvent>): Promise<Record<string, unknown>> {
  const told: string[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (_, init) => {
    told.push(String(init?.body));
    return new Response();
  };
  try {
    await handler({ ...common, ...event } as CloudFormationCustomResourceEvent);
  } finally {
    globalThis.fetch = real;
  }
  expect(told).toHaveLength(1);
  return JSON.parse(told[0] ?? '');
}

test('L1: a cluster that is taken out of the app is left alone in the table, and the deletion succeeds', async () => {
  const deletion = {
    RequestType: 'Delete' as const,
    PhysicalResourceId: 'mainstay-configuration-alpha',
    ResourceProperties: properties('{"name":"alpha"}'),
  };
  expect(await answer(deletion)).toEqual({
    Status: 'SUCCESS',
    PhysicalResourceId: 'mainstay-configuration-alpha',
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Configuration',
  });
});

test('a cluster of another name is another resource, and a configuration that cannot be written fails with its reason', async () => {
  const creation = { RequestType: 'Create' as const, ResourceProperties: properties('{"name":"beta"}') };
  expect(await answer(creation)).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: 'mainstay-configuration-beta',
    Reason: expect.stringContaining('MAINSTAY_TABLE'),
  });
});

test('a configuration that is no JSON fails, and an update keeps the resource it was', async () => {
  const update = {
    RequestType: 'Update' as const,
    PhysicalResourceId: 'mainstay-configuration-alpha',
    ResourceProperties: properties('{'),
    OldResourceProperties: properties('{"name":"alpha"}'),
  };
  expect(await answer(update)).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'mainstay-configuration-alpha' });
});
