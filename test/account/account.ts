// A whole emulated account for the tests: the stack deployed by CloudFormation, clusters of agents on modelled machines, and
// what an operator, a console and AWS itself would do to it. Waits for conditions with a deadline, never for a time.

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { type ClientOptions, createClient, createDocumentClient } from '../../adapters/aws/clients';
import { createJournal } from '../../adapters/aws/journal';
import { createLeaseStore } from '../../adapters/aws/lease-store';
import { createReports } from '../../adapters/aws/reports';
import { createSettings } from '../../adapters/aws/settings';
import { createSystemIds } from '../../adapters/system';
import { belongs } from '../../core/lineage';
import type { Lease, OperationKind } from '../../core/model';
import type { JournalEntry } from '../../core/ports';
import type { BuildJob } from '../../infra/build';
import { type MainstayConfigInput, parseConfig } from '../../infra/config';
import { CloudFront, type Machine as MachineRoom } from '../../local/cloud-front';
import { type DeployOptions, deployAssembly, destroyStack, type StackOutputs } from '../../local/deploy';
import { type Emulator, ensureEmulatorInstalled, startEmulator } from '../../local/emulator';
import { freePorts } from '../../local/ports';
import { testOptions } from '../support/cloud';
import { value } from '../support/samples';
import { Crew } from './crew';

export const stackName = 'mainstay';
const buildProgram = join(__dirname, '..', '..', 'infra', 'build.ts');
const execute = promisify(execFile);
const loopback = '127.0.0.1';

export type ClusterInput = MainstayConfigInput['clusters'][number];

/** What a cluster of this account is made of before it is configured. */
export interface Rented {
  instanceIds: string[];
  allocationId: string;
  host: string;
}

/** For clusters whose main is not to be lost: a machine that is busy with other tests must not look like a dead main. */
export const patient = { ttlMs: 20_000, marginMs: 2_000, heartbeatMs: 3_000, storeTimeoutMs: 3_000 };

/** db1, db2 … on these instances, behind this address. */
export const clusterOf = (
  name: string,
  { instanceIds, allocationId, host }: Rented,
  change: Partial<ClusterInput> = {},
): ClusterInput => ({
  name,
  engine: 'postgres',
  nodes: instanceIds.map((instanceId, index) => ({
    name: `db${index + 1}`,
    instanceId,
    zone: `us-east-1${'abc'[index % 3]}`,
    host: `10.0.${index}.11`,
  })),
  vip: { kind: 'eip', allocationId, host },
  ...change,
});

export interface Ended {
  name: string;
  status: string;
  input: Record<string, unknown>;
  error: string | undefined;
}

export interface AccountOptions {
  /** More environment for every Lambda, for an account at these two endpoints. */
  environment?: (endpoint: string, frontEndpoint: string) => Promise<Record<string, string>>;
  /** Runs before anything reaches the account. */
  beforeOpen?: (endpoint: string) => Promise<void>;
  /** Where the agent of a node reaches the account, instead of the emulator itself. */
  agentClient?: (endpoint: string, node: string) => Partial<ClientOptions>;
}

export class Account {
  readonly crews = new Map<string, Crew>();
  private front: CloudFront | null = null;
  private readonly targets = new Map<string, string | null>();
  private builds = 0;
  readonly ec2: EC2Client;
  readonly sfn: SFNClient;
  readonly events: EventBridgeClient;
  readonly lambda: LambdaClient;
  readonly iam: IAMClient;
  private readonly database: DynamoDBClient;

  private constructor(
    readonly dir: string,
    private readonly emulator: Emulator,
    readonly frontEndpoint: string,
    private readonly options: AccountOptions,
  ) {
    this.ec2 = createClient(EC2Client, { ...this.client, endpoint: frontEndpoint });
    this.sfn = createClient(SFNClient, this.client);
    this.events = createClient(EventBridgeClient, this.client);
    this.lambda = createClient(LambdaClient, this.client);
    this.iam = createClient(IAMClient, this.client);
    this.database = createClient(DynamoDBClient, this.client);
  }

  static async open(options: AccountOptions = {}): Promise<Account> {
    const venvDir = await ensureEmulatorInstalled();
    const dir = mkdtempSync(join(tmpdir(), 'mainstay-account-'));
    chmodSync(dir, 0o755);
    const [port = 0, frontPort = 0] = await freePorts(2);
    const front = `http://${loopback}:${frontPort}`;
    const env = {
      AWS_ENDPOINT_URL_EC2: front,
      AWS_ENDPOINT_URL_SSM: front,
      POWERTOOLS_TRACE_ENABLED: 'false',
      ...(await options.environment?.(`http://${loopback}:${port}`, front)),
    };
    await options.beforeOpen?.(`http://${loopback}:${port}`);
    const emulator = await startEmulator({ port, dir: join(dir, 'emulator'), env, venvDir });
    const account = new Account(dir, emulator, front, options);
    account.front = await CloudFront.listen(frontPort, emulator.endpoint, account.machineRoom());
    return account;
  }

  async close(): Promise<void> {
    for (const crew of this.crews.values()) crew.stop();
    for (const client of [this.ec2, this.sfn, this.events, this.lambda, this.iam, this.database]) client.destroy();
    this.front?.close();
    await this.emulator.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  get endpoint(): string {
    return this.emulator.endpoint;
  }

  get client(): ClientOptions {
    // Step Functions and CloudFormation of the emulator share one process with everything else on this machine.
    return { ...testOptions(this.endpoint), requestTimeoutMs: 15_000, maxAttempts: 3 };
  }

  // ---- what an operator does

  async rent(nodes: number): Promise<Rented> {
    const run = new RunInstancesCommand({ ImageId: 'ami-00000000000000000', MinCount: nodes, MaxCount: nodes });
    const { Instances = [] } = await this.ec2.send(run);
    const address = await this.ec2.send(new AllocateAddressCommand({ Domain: 'vpc' }));
    return {
      instanceIds: Instances.map(({ InstanceId }) => String(InstanceId)),
      allocationId: String(address.AllocationId),
      host: String(address.PublicIp),
    };
  }

  /** Synthesizes in a process of its own, as `npx cdk synth` does; gives the folder of the cloud assembly. */
  async synthesize(clusters: ClusterInput[]): Promise<string> {
    this.builds += 1;
    const job: BuildJob = {
      outDir: join(this.dir, 'programs'),
      assemblyDir: join(this.dir, `cdk.out.${this.builds}`),
      stackName,
      config: { clusters },
    };
    await execute(process.execPath, ['--import', require.resolve('tsx'), buildProgram, JSON.stringify(job)], {
      maxBuffer: 64 * 1024 * 1024,
      cwd: this.dir,
    });
    return job.assemblyDir;
  }

  deploy(assemblyDir: string, more: Partial<DeployOptions> = {}): Promise<StackOutputs> {
    return deployAssembly({ assemblyDir, endpoint: this.endpoint, stackName, ...more });
  }

  destroy(): Promise<void> {
    return destroyStack({ endpoint: this.endpoint, stackName });
  }

  /** Starts the agents of a cluster. */
  man(input: ClusterInput): Crew {
    const [config] = parseConfig({ clusters: [input] }).clusters;
    if (!config) throw new Error('one cluster goes in, one comes out');
    const crew = new Crew({
      config,
      tableName: stackName,
      client: (node) => ({
        ...testOptions(this.endpoint),
        ...this.options.agentClient?.(this.endpoint, node),
      }),
      vipTarget: () => this.targets.get(input.vip.kind === 'eip' ? input.vip.allocationId : '') ?? null,
    });
    this.crews.set(config.name, crew);
    crew.powerOn();
    return crew;
  }

  /** The CLI of the bundle, as a person runs it. */
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = {
      PATH: process.env.PATH ?? '',
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ENDPOINT_URL_EC2: this.frontEndpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      MAINSTAY_STACK: stackName,
      NODE_NO_WARNINGS: '1',
    };
    const program = join(this.dir, 'programs', 'mainstay.js');
    return new Promise((resolve) => {
      execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
      );
    });
  }

  async must(...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await this.cli(...args);
    if (code !== 0) throw new Error(`mainstay ${args.join(' ')} ended with ${code}: ${stderr}\n${stdout}`);
  }

  /** As the "Start execution" button of the Step Functions console does it; gives the name of the execution. */
  async press(kind: OperationKind, input: string, name?: string): Promise<string> {
    const stateMachineArn = this.machineArn(kind);
    const started = await this.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input, ...(name ? { name } : {}) }),
    );
    return String(started.executionArn?.split(':').at(-1));
  }

  /** Ends a node at once, as the loss of its host does; EC2 then shows the instance as stopped. */
  async pullPlug(instanceId: string): Promise<void> {
    await this.ec2.send(new StopInstancesCommand({ InstanceIds: [instanceId] }));
  }

  async steal(allocationId: string, instanceId: string): Promise<void> {
    await this.ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: instanceId }));
  }

  // ---- what AWS does

  /** An event as a service or an agent puts it on the default bus. */
  async announce(source: string, type: string, detail: object): Promise<void> {
    const entry = { Source: source, DetailType: type, Detail: JSON.stringify(detail) };
    const answer = await this.events.send(new PutEventsCommand({ Entries: [entry] }));
    if (answer.FailedEntryCount) throw new Error(`EventBridge refused ${type}`);
  }

  /** From now on every event whose source begins so is kept, to be looked at with `heard`. */
  async listen(source: string): Promise<void> {
    const definition = JSON.stringify({ StartAt: 'Heard', States: { Heard: { Type: 'Succeed' } } });
    const roleArn = 'arn:aws:iam::000000000000:role/any';
    await this.sfn.send(new CreateStateMachineCommand({ name: 'heard', definition, roleArn }));
    const EventPattern = JSON.stringify({ source: [{ prefix: source }] });
    await this.events.send(new PutRuleCommand({ Name: 'heard', EventPattern }));
    const target = { Id: 'heard', Arn: this.machineArn('heard', ''), RoleArn: roleArn };
    await this.events.send(new PutTargetsCommand({ Rule: 'heard', Targets: [target] }));
  }

  /** Runs a function as a rule or a state machine does; gives what it returns. */
  async invoke(name: string, payload: object): Promise<unknown> {
    const command = new InvokeCommand({ FunctionName: `${stackName}-${name}`, Payload: JSON.stringify(payload) });
    const answer = await this.lambda.send(command);
    const said = Buffer.from(answer.Payload ?? []).toString();
    if (answer.FunctionError) throw new Error(`${name}: ${said}`);
    return JSON.parse(said || 'null');
  }

  async heard(type: string): Promise<Record<string, unknown>[]> {
    const all = await this.executionsOf(this.machineArn('heard', ''));
    return all.flatMap(({ input }) => (input['detail-type'] === type ? [input.detail as Record<string, unknown>] : []));
  }

  // ---- what there is

  machineArn(kind: string, prefix = `${stackName}-`): string {
    return `arn:aws:states:us-east-1:000000000000:stateMachine:${prefix}${kind}`;
  }

  executions(kind: OperationKind): Promise<Ended[]> {
    return this.executionsOf(this.machineArn(kind));
  }

  private async executionsOf(stateMachineArn: string): Promise<Ended[]> {
    const { executions = [] } = await this.sfn.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1000 }));
    return Promise.all(
      executions.map(async ({ executionArn = '' }) => {
        const told = await this.sfn.send(new DescribeExecutionCommand({ executionArn }));
        return {
          name: String(told.name),
          status: String(told.status),
          input: JSON.parse(told.input ?? '{}'),
          error: told.error,
        };
      }),
    );
  }

  /** Resolves when the execution has ended. */
  async ended(kind: OperationKind, name: string): Promise<Ended> {
    let found: Ended | undefined;
    await this.until(`the end of ${name}`, async () => {
      found = (await this.executions(kind)).find((execution) => execution.name === name);
      return found !== undefined && found.status !== 'RUNNING';
    });
    return found as Ended;
  }

  private get table() {
    return { client: createDocumentClient(this.database), name: stackName };
  }

  readonly settings = () => createSettings(this.table);

  async lease(cluster: string): Promise<Lease> {
    const lease = value(await createLeaseStore(this.table).read(cluster));
    if (lease === null) throw new Error(`no lease of ${cluster}`);
    return lease;
  }

  async journal(cluster: string, operation?: string): Promise<JournalEntry[]> {
    return value(await createJournal(this.table, createSystemIds()).list(cluster, operation ? { operation } : {}));
  }

  /** Instance that the address is associated with, as EC2 says. */
  async target(allocationId: string): Promise<string | null> {
    const command = new DescribeAddressesCommand({ AllocationIds: [allocationId] });
    return (await this.ec2.send(command)).Addresses?.[0]?.InstanceId || null;
  }

  invocations(name: string): Promise<number> {
    return this.metric(name, 'Invocations');
  }

  /** Sum of a metric of Lambda for this function, as CloudWatch has it; raw, because the emulator's times are no numbers. */
  async metric(name: string, MetricName: 'Invocations' | 'Duration'): Promise<number> {
    const hourMs = 3_600_000;
    const answer = await this.ask('monitoring', 'GraniteServiceVersion20100801.GetMetricStatistics', {
      Namespace: 'AWS/Lambda',
      MetricName,
      Dimensions: [{ Name: 'FunctionName', Value: `${stackName}-${name}` }],
      StartTime: (Date.now() - hourMs) / 1000,
      EndTime: (Date.now() + hourMs) / 1000,
      Period: 3600,
      Statistics: ['Sum'],
    });
    return (answer.Datapoints as { Sum: number }[]).reduce((sum, { Sum }) => sum + Sum, 0);
  }

  /** A call that no client of ours is installed for. */
  async ask(service: string, target: string, body: object = {}, attempts = 5): Promise<Record<string, unknown>> {
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    // The emulator's counters may be written to while they are read.
    if (response.status >= 500 && attempts > 1) return this.ask(service, target, body, attempts - 1);
    if (!response.ok) throw new Error(`${target}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** One main that renews, the others following it, nobody at work on it, and the VIP where it belongs. */
  async healthy(cluster: string): Promise<Lease> {
    let lease: Lease | undefined;
    const crew = this.crews.get(cluster);
    await this.until(`${cluster} at rest`, async () => {
      const now = value(await createLeaseStore(this.table).read(cluster));
      if (now === null || now.phase !== 'held' || now.operation !== null) return false;
      lease = now;
      const reports = value(await createReports(this.table).list(cluster));
      const others = reports.filter(
        ({ node }) => node !== now.holder && !now.shunned[node] && crew?.machine(node).life,
      );
      return others.every(
        ({ engine, followed }) =>
          engine.following === now.holder && followed === now.epoch && belongs(now.lineage, engine, followed),
      );
    });
    return lease as Lease;
  }

  async until(what: string, holds: () => Promise<boolean>, deadlineMs = 60_000): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while (!(await holds())) {
      if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
      await delay(50);
    }
  }

  private machineRoom(): MachineRoom {
    const at = (id: string) => [...this.crews.values()].flatMap((crew) => crew.at(id) ?? [])[0];
    return {
      powerOff: async (id) => at(id)?.powerOff(),
      powerOn: async (id) => {
        for (const crew of this.crews.values()) for (const machine of [crew.at(id)]) if (machine) crew.start(machine);
      },
      isOn: (id) => at(id)?.powered ?? false,
      addressMoved: (allocationId, instanceId) => void this.targets.set(allocationId, instanceId),
      recordMoved: () => undefined,
      beforeWithdraw: async () => undefined,
      runDocument: async (id, document, parameters) => {
        const machine = at(id);
        if (!machine?.life || document !== `${stackName}-poke`) return { code: 1, output: `no ${document} on ${id}` };
        machine.agent?.poke();
        return { code: 0, output: `poked at epoch ${parameters.epoch}` };
      },
    };
  }
}
