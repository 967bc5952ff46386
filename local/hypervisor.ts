// The small process that makes the emulated account real on this machine: starts the emulator, deploys the synthesized
// stack, keeps the nodes and the VIP as the account says, and takes a few orders that no API has (pull a plug). Everything
// it makes lies in one folder; when it ends, for whatever reason it can notice, nothing is left.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EC2Client, RunInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import type { VipConfig } from '../core/model';
import type { BuildJob } from '../infra/build';
import type { ClusterInput, MainstayConfigInput } from '../infra/config';
import { documents } from '../infra/documents';
import type { Backend } from './backend';
import { CloudFront, type Machine } from './cloud-front';
import { deployAssembly } from './deploy';
import { scriptFor } from './documents';
import { type Emulator, ensureEmulatorInstalled, startEmulator } from './emulator';
import { files, type LocalNode, nodeFiles, type StackFacts } from './layout';
import { createNetnsBackend } from './netns-backend';
import { Node } from './nodes';
import { freePorts } from './ports';
import {
  type Account,
  engineAccount,
  ensurePostgres,
  ownedDir,
  type PostgresFound,
  prepareData,
  writeJson,
} from './postgres';
import { createProcessBackend } from './process-backend';
import { killAllIn, signalAll } from './processes';
import { rentVip, vipAddressOf } from './rented-vip';

export interface HypervisorOptions {
  dir: string;
  /** Overrides of the cluster's configuration, e.g. timings. */
  cluster?: Partial<Omit<MainstayConfigInput['clusters'][number], 'name' | 'nodes' | 'vip' | 'engine'>>;
  nodeNames?: readonly string[];
  backend?: Backend['kind'];
  /** Kind of VIP; a record needs the process backend. */
  vip?: VipConfig['kind'];
  /** netns: a disk of its own for each node, of this size, that can be filled and stalled. */
  diskMiB?: number;
  /** More environment for the processes of a node, by its name: the benchmark counts requests with it. */
  nodeEnvironment?: Record<string, Record<string, string>>;
  progress: (line: string) => void;
}

const execute = promisify(execFile);
const buildProgram = join(__dirname, '..', 'infra', 'build.ts');
const clusterName = 'alpha';
const stackName = 'mainstay';
const loopback = '127.0.0.1';
const accountOf = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

export class Hypervisor {
  private emulator: Emulator | null = null;
  private front: CloudFront | null = null;
  private backend: Backend | null = null;
  private control: ReturnType<typeof createServer> | null = null;
  private nodes = new Map<string, Node>();
  private ec2: EC2Client | null = null;
  private environment: Record<string, string> = {};
  private doomedAtWithdraw: Node | null = null;
  private down: Promise<void> | null = null;

  constructor(private readonly options: HypervisorOptions) {}

  /** Brings everything up; the nodes run, nobody is main yet. */
  async up(): Promise<StackFacts> {
    const { dir, progress, nodeNames = ['db1', 'db2', 'db3'] } = this.options;
    await mkdir(dir, { recursive: true });
    const postgres = await ensurePostgres(progress);
    const venvDir = await ensureEmulatorInstalled(undefined, progress);
    const backend = await this.place(nodeNames);
    const [emulatorPort = 0, frontPort = 0, controlPort = 0] = await freePorts(3);
    progress('starting the emulated AWS account');
    await this.startAccount(emulatorPort, frontPort, venvDir);
    const { locals, vip } = await this.rent(nodeNames, backend);
    progress('bundling agent, CLI and functions; synthesizing the stack');
    const [account] = await Promise.all([this.prepareNodes(postgres, locals, backend), this.build(locals, vip)]);
    progress('deploying the stack');
    await deployAssembly({
      assemblyDir: join(dir, 'cdk.out'),
      endpoint: this.environment.AWS_ENDPOINT_URL ?? '',
      stackName,
    });
    const AWS_ENDPOINT_URL = await backend.endpointFor(new URL(this.environment.AWS_ENDPOINT_URL ?? ''));
    for (const facts of locals)
      this.nodes.set(
        facts.instanceId,
        new Node(facts, {
          agentProgram: join(dir, 'programs', 'mainstay-agent.js'),
          environment: { ...this.environment, AWS_ENDPOINT_URL, ...this.options.nodeEnvironment?.[facts.name] },
        }),
      );
    progress(
      `starting ${locals.length} nodes (PostgreSQL ${postgres.version}${account ? `, as ${account.name}` : ''})`,
    );
    await Promise.all([...this.nodes.values()].map((node) => node.powerOn()));
    await this.listenForOrders(controlPort);
    const facts: StackFacts = {
      dir,
      hypervisorPid: process.pid,
      cluster: clusterName,
      stackName,
      environment: this.environment,
      backend: backend.kind,
      controlPort,
      vip: backend.vip,
      door: await backend.doorToVip(dir),
      nodes: locals,
      places: backend.places,
      cli: join(dir, 'programs', 'mainstay.js'),
      postgresVersion: postgres.version,
    };
    await writeJson(files.facts(dir), facts);
    return facts;
  }

  /** Ends everything it started and removes its folder. Safe at any moment, and more than once. */
  stop(): Promise<void> {
    this.down ??= (async () => {
      this.signalEmulator('SIGCONT');
      await this.backend?.heal();
      await Promise.all([...this.nodes.values()].map((node) => node.powerOff()));
      await this.backend?.close();
      this.front?.close();
      this.control?.close();
      this.control?.closeAllConnections();
      await this.emulator?.stop();
      this.ec2?.destroy();
      await killAllIn(this.options.dir, delay);
      rmSync(this.options.dir, { recursive: true, force: true });
    })();
    return this.down;
  }

  // ---- the account

  private async startAccount(emulatorPort: number, frontPort: number, venvDir: string): Promise<void> {
    const front = `http://${loopback}:${frontPort}`;
    const through = { AWS_ENDPOINT_URL_EC2: front, AWS_ENDPOINT_URL_SSM: front, AWS_ENDPOINT_URL_ROUTE_53: front };
    const dir = files.emulator(this.options.dir);
    await mkdir(dir, { recursive: true });
    this.emulator = await startEmulator({
      port: emulatorPort,
      dir,
      env: { ...through, POWERTOOLS_TRACE_ENABLED: 'false' },
      venvDir,
    });
    this.environment = {
      AWS_ENDPOINT_URL: this.emulator.endpoint,
      ...through,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      MAINSTAY_STACK: stackName,
      NODE_NO_WARNINGS: '1',
    };
    this.front = await CloudFront.listen(frontPort, this.emulator.endpoint, this.machine());
    this.ec2 = new EC2Client({ ...accountOf, endpoint: front });
  }

  private async rent(
    names: readonly string[],
    backend: Backend,
  ): Promise<{ locals: LocalNode[]; vip: ClusterInput['vip'] }> {
    const ec2 = this.account();
    const run = await ec2.send(
      new RunInstancesCommand({ ImageId: 'ami-00000000000000000', MinCount: names.length, MaxCount: names.length }),
    );
    const endpoint = this.environment.AWS_ENDPOINT_URL_ROUTE_53 ?? '';
    const vip = await rentVip(this.vipKind, { ...accountOf, endpoint }, backend);
    const locals = names.map((name, index) => ({
      name,
      dir: files.node(this.options.dir, name),
      instanceId: run.Instances?.[index]?.InstanceId ?? '',
      ...(backend.nodes[index] ?? { host: '', port: 0, agentPort: 0, restPort: 0 }),
      // Filled in when the node has its folder.
      at: [],
    }));
    return { locals, vip };
  }

  private get vipKind(): VipConfig['kind'] {
    return this.options.vip ?? 'eip';
  }

  private async build(locals: LocalNode[], vip: ClusterInput['vip']): Promise<void> {
    const nodes = locals.map(({ name, instanceId, host, port, agentPort }, index) => ({
      name,
      instanceId,
      zone: `us-east-1${'abc'[index % 3]}`,
      host,
      port,
      agentPort,
      ...vipAddressOf(this.vipKind, index),
    }));
    const job: BuildJob = {
      outDir: join(this.options.dir, 'programs'),
      assemblyDir: join(this.options.dir, 'cdk.out'),
      stackName,
      config: {
        clusters: [{ ...this.options.cluster, name: clusterName, engine: 'postgres', nodes, vip }],
      },
    };
    await execute(process.execPath, ['--import', require.resolve('tsx'), buildProgram, JSON.stringify(job)], {
      maxBuffer: 64 * 1024 * 1024,
      // Inside the stack's folder, so that ending the stack ends it.
      cwd: this.options.dir,
    });
  }

  private account(): EC2Client {
    if (!this.ec2) throw new Error('the emulated account is not up');
    return this.ec2;
  }

  // ---- the machine room

  private async prepareNodes(postgres: PostgresFound, locals: LocalNode[], backend: Backend): Promise<Account | null> {
    const account = engineAccount();
    const secret = randomBytes(32).toString('hex');
    for (const { dir, name, host, restPort } of locals) {
      const at = nodeFiles(dir);
      for (const folder of [dir, at.volume, at.socket, at.state, at.logs, at.evidence]) await ownedDir(folder, account);
      await writeFile(at.secret, secret, { mode: 0o600 });
      await writeJson(at.settings, {
        secretFile: at.secret,
        // Nobody but this machine's own processes reaches it.
        rest: { port: restPort, listen: host, tokenFile: at.secret, allowPlain: true },
        cluster: clusterName,
        node: name,
        table: stackName,
        stateDir: at.state,
        gate: backend.agentSettings.gate,
        engine: {
          dataDir: at.data,
          binDir: postgres.binDir,
          socketDir: at.socket,
          logDir: at.logs,
          evidenceDir: at.evidence,
          osUser: account?.name ?? 'postgres',
          ...(backend.agentSettings.listen ? { listen: backend.agentSettings.listen } : {}),
        },
      });
    }
    await prepareData(
      postgres,
      account,
      locals.map(({ dir }) => nodeFiles(dir).data),
      backend.hostRules,
    );
    for (const local of locals) {
      await backend.prepare(local.name, local.dir);
      local.at = backend.at(local.name);
    }
    return account;
  }

  private machine(): Machine {
    return {
      powerOff: async (id) => this.nodes.get(id)?.powerOff(),
      powerOn: async (id) => this.nodes.get(id)?.powerOn(),
      isOn: (id) => this.nodes.get(id)?.poweredOn ?? false,
      addressMoved: (_, id) => {
        this.backend?.leadVip((id === null ? undefined : this.nodes.get(id))?.facts.name ?? null, 'cut');
      },
      recordMoved: (address) => {
        const names = [...this.nodes.values()].map(({ facts }) => facts.name);
        const index = names.findIndex((_, each) => vipAddressOf(this.vipKind, each).vipAddress === address);
        this.backend?.leadVip(names[index] ?? null, 'kept');
      },
      beforeWithdraw: async () => {
        const doomed = this.doomedAtWithdraw;
        this.doomedAtWithdraw = null;
        await doomed?.powerOff();
      },
      runDocument: async (id, document, parameters) => this.runDocument(id, document, parameters),
    };
  }

  private async runDocument(
    id: string,
    document: string,
    parameters: Record<string, string>,
  ): Promise<{ code: number; output: string }> {
    const node = this.nodes.get(id);
    const known = Object.entries(documents).find(([name]) => document === `${stackName}-${name}`);
    if (!node || !known) return { code: 1, output: `no document ${document} on ${id}` };
    const script = scriptFor(known[1], parameters);
    return script.ok ? node.runShell(script.value) : { code: 1, output: script.error };
  }

  // ---- orders that no AWS API has

  private async listenForOrders(port: number): Promise<void> {
    this.control = createServer(async (incoming, outgoing) => {
      const url = new URL(incoming.url ?? '/', `http://${loopback}`);
      const answer = await this.order(url.pathname.slice(1), url.searchParams).catch((error: Error) => error.message);
      outgoing.writeHead(typeof answer === 'string' ? 400 : 200).end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => this.control?.listen(port, loopback, resolve));
  }

  /** The answer, or what is wrong with the order. */
  private async order(name: string, parameters: URLSearchParams): Promise<object | string> {
    const asked = parameters.get('node');
    const node = [...this.nodes.values()].find(({ facts }) => facts.name === asked);
    const orders = { ...this.accountOrders, ...this.backend?.orders, ...(node ? this.nodeOrders(node) : {}) };
    const act = orders[name];
    if (!act) return `no order '${name}' for node '${asked}' (orders: ${Object.keys(orders).join(', ')})`;
    await act({ name, node, parameters });
    return { done: name, node: asked, pids: node?.pids() ?? [] };
  }

  /** The store and the whole control plane hang, for everybody at once; what was sent meanwhile is done when they come back. */
  private readonly accountOrders: Backend['orders'] = {
    'account-away': async () => this.signalEmulator('SIGSTOP'),
    'account-back': async () => this.signalEmulator('SIGCONT'),
  };

  private signalEmulator(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.emulator) signalAll([this.emulator.pid], signal);
  }

  private nodeOrders(node: Node): Backend['orders'] {
    const InstanceIds = [node.facts.instanceId];
    return {
      // The plug is pulled first; that the account then shows the instance as stopped is what a dead host looks like.
      'pull-plug': async () => {
        await node.powerOff();
        await this.account().send(new StopInstancesCommand({ InstanceIds }));
      },
      'power-on': async () => void (await this.account().send(new StartInstancesCommand({ InstanceIds }))),
      // As above, and nobody is told: the account hangs, too.
      'power-cut': () => node.powerOff(),
      freeze: async () => node.freeze(),
      thaw: async () => node.thaw(),
      'kill-agent': async () => node.killAgent(),
      'restart-agent': () => node.restartAgent(),
      'lose-agent': async () => node.loseAgent(),
      'freeze-agent': async () => node.freezeAgent(true),
      'thaw-agent': async () => node.freezeAgent(false),
      'kill-engine': async () => node.killEngine(),
      'pull-plug-at-withdraw': async () => {
        this.doomedAtWithdraw = node;
      },
      'stop-agent': () => node.stopAgent(),
      'start-agent': () => node.powerOn(),
    };
  }

  private async place(names: readonly string[]): Promise<Backend> {
    const { backend = 'process', diskMiB = null } = this.options;
    this.backend = await (backend === 'netns' ? createNetnsBackend({ names, diskMiB }) : createProcessBackend(names));
    return this.backend;
  }
}
