/**
 * Deploys a synthesized CDK cloud assembly into the emulator: assets to S3, the template through CloudFormation,
 * just as `cdk deploy` does on AWS, but in seconds and without a bootstrap stack.
 * It must never change the template, and never talk to anything but the endpoint it is given.
 */

import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  type Stack,
  type StackEvent,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { zipSync } from 'fflate';

const accountId = '000000000000';
const defaultRegion = 'us-east-1';
const pollMs = 50;
const defaultDeadlineMs = 120_000;
/** What a stack synthesized with a bootstrap check looks up; the number only has to be high enough for its rule. */
const bootstrapVersion = '99';
/** The oldest time a zip file can carry: the same content must give the same bytes. */
const zipTime = new Date(1980, 0, 1);

export interface DeployOptions {
  /** Folder written by app.synth(). */
  assemblyDir: string;
  endpoint: string;
  stackName: string;
  parameters?: Record<string, string>;
  region?: string;
  deadlineMs?: number;
  /** Takes over what the template keeps and an earlier stack has left, as `cdk deploy --import-existing-resources` does. */
  importExisting?: boolean;
}

export type StackOutputs = Record<string, string>;

export type DestroyOptions = Pick<DeployOptions, 'endpoint' | 'stackName' | 'region' | 'deadlineMs'>;

interface Destination {
  bucketName: string;
  objectKey: string;
}
interface FileAsset {
  source: { path: string; packaging: 'zip' | 'file' };
  destinations: Record<string, Destination>;
}
interface Template {
  Parameters?: Record<string, { Type?: string; Default?: string }>;
}
interface Artifact {
  type: string;
  properties?: { file?: string; templateFile?: string; stackName?: string };
}
interface Clients {
  cloudFormation: CloudFormationClient;
  s3: S3Client;
  ssm: SSMClient;
  region: string;
}

/** Creates the stack, or updates it when it exists; resolves to its outputs; rejects with the failed resource's reason. */
export async function deployAssembly(options: DeployOptions): Promise<StackOutputs> {
  const clients = clientsFor(options);
  const { template, assets } = readAssembly(options.assemblyDir, options.stackName);
  await provideBootstrapVersion(clients, template);
  await uploadAssets(clients, options.assemblyDir, assets);
  const before = await findUsableStack(clients, options);
  const since = new Date();
  const changed = await submit(clients, options, template, before !== undefined);
  if (!changed) return outputsOf(before);
  const stack = await waitForStack(clients, options);
  if (stack?.StackStatus !== (before ? 'UPDATE_COMPLETE' : 'CREATE_COMPLETE'))
    throw await deployFailure(clients, options, stack, since);
  return outputsOf(stack);
}

/** Resolves when the stack is gone, also when there was none. */
export async function destroyStack(options: DestroyOptions): Promise<void> {
  await remove(clientsFor(options), options);
}

function clientsFor(options: DestroyOptions): Clients {
  const region = options.region ?? defaultRegion;
  const common = { endpoint: options.endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  return {
    cloudFormation: new CloudFormationClient(common),
    s3: new S3Client({ ...common, forcePathStyle: true }),
    ssm: new SSMClient(common),
    region,
  };
}

function readAssembly(assemblyDir: string, stackName: string): { template: string; assets: FileAsset[] } {
  const manifest = readJson<{ artifacts: Record<string, Artifact> }>(path.join(assemblyDir, 'manifest.json'));
  const artifacts = Object.entries(manifest.artifacts);
  const found = artifacts.find(
    ([id, artifact]) => isStack(artifact) && (artifact.properties?.stackName ?? id) === stackName,
  );
  const templateFile = found?.[1].properties?.templateFile;
  if (!found || !templateFile) throw new Error(`The assembly ${assemblyDir} holds no stack called ${stackName}`);
  const assetFile = manifest.artifacts[`${found[0]}.assets`]?.properties?.file;
  return {
    template: fs.readFileSync(path.join(assemblyDir, templateFile), 'utf8'),
    assets: assetFile ? readAssets(path.join(assemblyDir, assetFile), templateFile) : [],
  };
}

function isStack(artifact: Artifact): boolean {
  return artifact.type === 'aws:cloudformation:stack';
}

/** The template is an asset too; it goes with the request instead. */
function readAssets(assetFile: string, templateFile: string): FileAsset[] {
  const { files } = readJson<{ files?: Record<string, FileAsset> }>(assetFile);
  return Object.values(files ?? {}).filter((asset) => asset.source.path !== templateFile);
}

function readJson<T>(file: string): T {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
}

async function provideBootstrapVersion(clients: Clients, template: string): Promise<void> {
  const parameter = (JSON.parse(template) as Template).Parameters?.BootstrapVersion;
  if (!parameter?.Default) return;
  await clients.ssm.send(
    new PutParameterCommand({ Name: parameter.Default, Value: bootstrapVersion, Type: 'String', Overwrite: true }),
  );
}

async function uploadAssets(clients: Clients, assemblyDir: string, assets: FileAsset[]): Promise<void> {
  const uploads = assets.flatMap((asset) =>
    Object.values(asset.destinations).map((destination) => ({
      asset,
      bucket: fillIn(destination.bucketName, clients.region),
      key: fillIn(destination.objectKey, clients.region),
    })),
  );
  for (const bucket of new Set(uploads.map((upload) => upload.bucket))) await ensureBucket(clients.s3, bucket);
  await Promise.all(
    uploads.map(async ({ asset, bucket, key }) => {
      // The key is the hash of the content: what is there already is right.
      if (await objectExists(clients.s3, bucket, key)) return;
      await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: contentOf(assemblyDir, asset) }));
    }),
  );
}

function fillIn(name: string, region: string): string {
  const values: Record<string, string> = { AccountId: accountId, Region: region, Partition: 'aws' };
  return name.replaceAll(/\$\{AWS::(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
}

async function ensureBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((error as Error).name)) throw error;
  }
}

async function objectExists(s3: S3Client, bucket: string, key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (['NotFound', 'NoSuchKey'].includes((error as Error).name)) return false;
    throw error;
  }
}

function contentOf(assemblyDir: string, asset: FileAsset): Uint8Array {
  const source = path.join(assemblyDir, asset.source.path);
  return asset.source.packaging === 'zip' ? zipFolder(source) : fs.readFileSync(source);
}

/** Stored, not compressed: it travels over loopback, and packing would take longer than everything else here. */
function zipFolder(folder: string): Uint8Array {
  const entries = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((entry) => fs.statSync(path.join(folder, entry)).isFile())
    .map((entry) => [entry.split(path.sep).join('/'), new Uint8Array(fs.readFileSync(path.join(folder, entry)))]);
  return zipSync(Object.fromEntries(entries), { level: 0, mtime: zipTime });
}

/** A stack whose creation failed, or that was never executed, can only be deleted; on AWS too. */
async function findUsableStack(clients: Clients, options: DeployOptions): Promise<Stack | undefined> {
  const stack = await waitForStack(clients, options);
  if (!stack || !/^(ROLLBACK_|CREATE_FAILED|DELETE_FAILED|REVIEW_)/.test(stack.StackStatus ?? '')) return stack;
  await remove(clients, options);
  return undefined;
}

async function submit(clients: Clients, options: DeployOptions, template: string, exists: boolean): Promise<boolean> {
  const input = {
    StackName: options.stackName,
    TemplateBody: template,
    Parameters: Object.entries(options.parameters ?? {}).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    Capabilities: ['CAPABILITY_IAM' as const, 'CAPABILITY_NAMED_IAM' as const],
  };
  try {
    if (options.importExisting && !exists) await createByImport(clients, input);
    else await clients.cloudFormation.send(exists ? new UpdateStackCommand(input) : new CreateStackCommand(input));
    return true;
  } catch (error) {
    if (/No updates are to be performed/.test((error as Error).message)) return false;
    throw error;
  }
}

/** Only a change set can import. */
async function createByImport({ cloudFormation }: Clients, input: CreateStackCommandInput): Promise<void> {
  const { StackName = '' } = input;
  const changeSet = { StackName, ChangeSetName: `${StackName}-import` };
  await cloudFormation.send(
    new CreateChangeSetCommand({ ...input, ...changeSet, ChangeSetType: 'CREATE', ImportExistingResources: true }),
  );
  await cloudFormation.send(new ExecuteChangeSetCommand(changeSet));
}

/** Resolves when nothing is in progress any more; undefined when there is no such stack. */
async function waitForStack(clients: Clients, options: DestroyOptions): Promise<Stack | undefined> {
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const stack = await findStack(clients, options.stackName);
    if (!stack?.StackStatus?.endsWith('_IN_PROGRESS')) return stack;
    if (Date.now() > deadline)
      throw new Error(`Stack ${options.stackName} is still ${stack.StackStatus} after ${deadlineMs} ms`);
    await delay(pollMs);
  }
}

async function findStack(clients: Clients, stackName: string): Promise<Stack | undefined> {
  try {
    const { Stacks } = await clients.cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
    return Stacks?.find((stack) => stack.StackStatus !== 'DELETE_COMPLETE');
  } catch (error) {
    if (/does not exist/.test((error as Error).message)) return undefined;
    throw error;
  }
}

async function remove(clients: Clients, options: DestroyOptions): Promise<void> {
  await clients.cloudFormation.send(new DeleteStackCommand({ StackName: options.stackName }));
  const stack = await waitForStack(clients, options);
  if (stack)
    throw new Error(`Stack ${options.stackName} could not be deleted: ${stack.StackStatusReason ?? stack.StackStatus}`);
}

async function deployFailure(
  clients: Clients,
  options: DeployOptions,
  stack: Stack | undefined,
  since: Date,
): Promise<Error> {
  const events = stack ? await recentEvents(clients, stack, since) : [];
  const failed = events.filter(isResourceFailure).map(describeFailure);
  const reasons = failed.length > 0 ? failed : [stack?.StackStatusReason ?? 'no reason given'];
  return new Error(`Stack ${options.stackName} ended as ${stack?.StackStatus ?? 'missing'}: ${reasons.join('; ')}`);
}

async function recentEvents(clients: Clients, stack: Stack, since: Date): Promise<StackEvent[]> {
  const { StackEvents } = await clients.cloudFormation.send(
    new DescribeStackEventsCommand({ StackName: stack.StackId }),
  );
  // Times may be cut to whole seconds; a second's slack beats losing the one event that explains everything.
  return (StackEvents ?? []).filter((event) => Number(event.Timestamp) >= Number(since) - 1_000);
}

function isResourceFailure(event: StackEvent): boolean {
  return (
    /^(CREATE|UPDATE)_FAILED$/.test(event.ResourceStatus ?? '') && !/cancelled/i.test(event.ResourceStatusReason ?? '')
  );
}

function describeFailure(event: StackEvent): string {
  return `${event.LogicalResourceId} (${event.ResourceType}): ${event.ResourceStatusReason}`;
}

function outputsOf(stack: Stack | undefined): StackOutputs {
  return Object.fromEntries((stack?.Outputs ?? []).map((output) => [output.OutputKey ?? '', output.OutputValue ?? '']));
}
