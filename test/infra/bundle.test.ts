// The bundles of the functions: small, and with stand-ins for the SDK's packages that say the same on the wire.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ec2 from '@aws-sdk/client-ec2';
import { buildSync } from 'esbuild';
import { bundleFunctions } from '../../infra/bundle';
import { slimPackages } from '../../infra/slim-packages';

const dir = mkdtempSync(join(tmpdir(), 'mainstay-bundles-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('no function of an operation is larger than 700 KiB, and those without EC2, SSM and Step Functions stay below 500 KiB', () => {
  const sizes = Object.entries(bundleFunctions(join(dir, 'functions'))).map(([name, folder]) => ({
    name,
    kib: statSync(join(folder, 'index.js')).size / 1024,
  }));
  expect(sizes.length).toBeGreaterThan(30);
  // The REST API validates with all of zod, and nobody waits for it in a failover.
  expect(sizes.filter(({ name, kib }) => kib > (name === 'api' ? 1000 : 700))).toEqual([]);
  expect(
    sizes.filter(({ name, kib }) => ['grant', 'transfer', 'promote', 'dispatch'].includes(name) && kib > 500),
  ).toEqual([]);
});

type Ec2 = typeof ec2;

/** The smaller client as a module of this process. */
function slimEc2(): Ec2 {
  const file = slimPackages(dir)['@aws-sdk/client-ec2'] ?? '';
  const outfile = join(dir, 'ec2.js');
  const nodePaths = [join(__dirname, '../../node_modules')];
  buildSync({
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    entryPoints: [file],
    outfile,
    nodePaths,
  });
  return require(outfile) as Ec2;
}

const answers: Record<string, string> = {
  DescribeInstances:
    '<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>stopped</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>',
  DescribeAddresses:
    '<DescribeAddressesResponse><addressesSet><item><associationId>eipassoc-1</associationId><instanceId>i-1</instanceId></item></addressesSet></DescribeAddressesResponse>',
};

/** What each call sends, and what is made of the answer. */
async function spoken({ EC2Client, ...sdk }: Ec2): Promise<unknown[]> {
  const said: unknown[] = [];
  const client = new EC2Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: {
      handle: async (request: { body: string }) => {
        said.push(request.body);
        const action = /Action=(\w+)/.exec(request.body)?.[1] ?? '';
        const body = Buffer.from(answers[action] ?? `<${action}Response><return>true</return></${action}Response>`);
        return { response: { statusCode: 200, headers: { 'content-type': 'text/xml' }, body } };
      },
    } as never,
  });
  const found = [
    await client.send(new sdk.DescribeInstancesCommand({ InstanceIds: ['i-1'] })),
    await client.send(new sdk.DescribeAddressesCommand({ AllocationIds: ['eipalloc-1'] })),
    await client.send(new sdk.StopInstancesCommand({ InstanceIds: ['i-1'], Force: true, SkipOsShutdown: true })),
    await client.send(new sdk.StartInstancesCommand({ InstanceIds: ['i-1'] })),
    await client.send(
      new sdk.AssociateAddressCommand({ AllocationId: 'a', InstanceId: 'i-1', AllowReassociation: false }),
    ),
    await client.send(new sdk.DisassociateAddressCommand({ AssociationId: 'eipassoc-1' })),
  ];
  return [...said, ...found.map(({ $metadata: _, ...answer }) => answer)];
}

test('the smaller client of EC2 sends and understands the same as the whole one', async () => {
  const [whole, slim] = [await spoken(ec2), await spoken(slimEc2())];
  expect(whole).toHaveLength(12);
  expect(whole[6]).toMatchObject({ Reservations: [{ Instances: [{ State: { Name: 'stopped' } }] }] });
  expect(slim).toEqual(whole);
});
