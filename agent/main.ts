// Entry of `mainstay-agent`: `run` keeps this node's part of the protocol until it is told to stop; `poke` wakes a running agent, `fence` stops
// the engine past it, `if-main` runs a job on the main only, `inspect` reads a
// copy of what a shunned node has, `install` and `uninstall` are the node's, and there are those of the archive
// (archive-commands.ts). Wires adapters and driver; no logic. Everything it refuses is said in one message with exit code 1.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { Command } from 'commander';
import { createClient, createDocumentClient } from '../adapters/aws/clients';
import { createEvents } from '../adapters/aws/events';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSettings } from '../adapters/aws/settings';
import { createSystemClock, createSystemIds } from '../adapters/system';
import { createWitnesses, hearQuestions, noWitnesses } from '../adapters/witnesses';
import type { ClusterConfig, NodeConfig } from '../core/model';
import type { EngineDriver } from '../core/ports';
import { judgeTimings } from '../core/timings';
import packageJson from '../package.json';
import { Agent } from './agent';
import { archiveCommands } from './archive-commands';
import { createDeadman } from './deadman';
import { type Archiving, createPostgresDriver } from './drivers/postgres/driver';
import type { PostgresOptions } from './drivers/postgres/options';
import { fenceCommand } from './fence-command';
import { gateOf, removeGate } from './gate/node-gate';
import { ifMainCommand, runIfMain, spawnJob } from './if-main';
import { inspectCommand } from './inspect-command';
import { installCommand } from './install/command';
import { startRest } from './rest/start';
import { rememberEpochs, seenEpoch } from './seen-epoch';
import { createServiceNotes, type ServiceNotes } from './service-notes';
import { type AgentSettings, DEFAULT_SETTINGS_FILE, readSettings } from './settings';
import { warmUp } from './warm-up';

const clock = createSystemClock();
const ids = createSystemIds();

/** One line of JSON per event: journald and CloudWatch both take it. */
function log(message: string, details: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ at: clock.wall(), message, ...details })}\n`);
}

/** For a person who waits. */
const tell = (text: string): void => void process.stdout.write(`${text}\n`);

const pidFile = (settings: AgentSettings): string => join(settings.stateDir, 'agent.pid');

const tableOf = ({ table: name }: AgentSettings, requestTimeoutMs: number) => ({
  client: createDocumentClient(createClient(DynamoDBClient, { requestTimeoutMs, maxAttempts: 1 })),
  name,
});

/** Who this node is, by its own file and by the cluster's configuration. */
async function placeOf(file: string): Promise<{ settings: AgentSettings; config: ClusterConfig; me: NodeConfig }> {
  const settings = readSettings(file);
  const config = await clusterConfig(settings, tableOf(settings, 2000));
  const me = config.nodes.find(({ name }) => name === settings.node);
  if (me) return { settings, config, me };
  const names = config.nodes.map(({ name }) => name).join(', ');
  throw new Error(
    `cluster ${config.name} has no node '${settings.node}' (nodes: ${names}): correct ${file} or mainstay.config.ts`,
  );
}

type DriverConfig = Pick<ClusterConfig, 'name' | 'nodes'> & { timings: Pick<ClusterConfig['timings'], 'engineStopMs'> };

function optionsOf(
  settings: AgentSettings,
  config: DriverConfig,
  me: Pick<NodeConfig, 'name' | 'host' | 'port'>,
): PostgresOptions {
  const { osUser: account, listen, ...engine } = settings.engine;
  return {
    ...engine,
    ...identityOf(account),
    node: me.name,
    cluster: config.name,
    port: me.port,
    listenHost: listen ?? me.host,
    stateDir: settings.stateDir,
    engineStopMs: config.timings.engineStopMs,
    peers: config.nodes.filter(({ name }) => name !== me.name),
    clock,
  };
}

const driverOf = (...given: Parameters<typeof optionsOf>): EngineDriver & Archiving =>
  createPostgresDriver(optionsOf(...given));

/** Taken out of the environment: whatever the agent starts is no business of systemd's. */
function serviceNotes(): ServiceNotes {
  const { NOTIFY_SOCKET: socket, PATH: path = '/usr/bin:/bin' } = process.env;
  delete process.env.NOTIFY_SOCKET;
  delete process.env.WATCHDOG_USEC;
  delete process.env.WATCHDOG_PID;
  return createServiceNotes({ socket, path, clock, log });
}

async function run(file: string): Promise<void> {
  const notes = serviceNotes();
  const { settings, config, me } = await placeOf(file);
  mkdirSync(settings.stateDir, { recursive: true });
  const faults = judgeTimings(config.timings);
  if (faults.length > 0)
    throw new Error(`the timings of ${config.name} are not safe, the agent does not start:\n  ${faults.join('\n  ')}`);
  const secret = config.onStoreLoss === 'failsafe' ? secretOf(settings) : null;
  // One attempt each: the loop is the retry, and a late second attempt would be counted from the first (L2).
  const store = tableOf(settings, config.timings.storeTimeoutMs);
  const reports = createReports(store);
  const bus = createClient(EventBridgeClient, { requestTimeoutMs: 2000, maxAttempts: 2 });
  const events = createEvents(bus, { cluster: config.name });
  const leases = createLeaseStore(store);
  const gate = await gateOf(settings.gate, { config, me, clock, ids, log });
  if (!(await warmUp(leases, config.name, clock))) log('the store does not answer: the agent starts without a lease');
  const agent = new Agent({
    config,
    me,
    store: leases,
    reports,
    journal: createJournal(store, ids),
    events,
    driver: driverOf(settings, config, me),
    witnesses:
      secret === null ? noWitnesses : createWitnesses({ secret, timeoutMs: config.timings.storeTimeoutMs / 2 }),
    gate,
    deadman: createDeadman({ stateDir: settings.stateDir, logDir: settings.engine.logDir, clock }),
    clock,
    ids,
    version: packageJson.version,
    remember: rememberEpochs(settings.stateDir, log),
    turned: notes.turned,
    log,
  });
  writeFileSync(pidFile(settings), `${process.pid}\n`);
  if (secret !== null) hearQuestions({ port: me.agentPort, secret }, (question) => agent.answer(question), log);
  if (settings.rest) startRest({ settings: settings.rest, agent, config, reports, events, clock, ids, log });
  process.on('SIGHUP', () => {
    log('asked to hand over: the engine stays as it is for the next agent');
    void agent.handOver().then((gone) => gone && process.exit(0));
  });
  const leave = (): void => {
    log('asked to stop: engine first, then the lease says paused');
    void agent.stop().then(() => {
      rmSync(pidFile(settings), { force: true });
      process.exit(0);
    });
  };
  process.once('SIGTERM', leave);
  process.once('SIGINT', leave);
  process.on('SIGUSR2', () => agent.poke());
  log('agent started', { cluster: config.name, node: me.name, version: packageJson.version });
  await agent.run();
}

/** Waits for a store that cannot be reached yet; a cluster that is not there is a mistake. */
async function clusterConfig(
  { cluster, table }: AgentSettings,
  at: Parameters<typeof createSettings>[0],
): Promise<ClusterConfig> {
  for (;;) {
    const read = await createSettings(at).config(cluster);
    if (read.ok && read.value) return read.value;
    if (read.ok)
      throw new Error(`table '${table}' has no cluster '${cluster}': deploy the stack with it in mainstay.config.ts`);
    if (read.error.code === 'Broken') throw new Error(`${read.error.message}: ${read.error.next}`);
    log('the store cannot be reached yet', { problem: read.error.message });
    await clock.sleep(1000);
  }
}

/** PostgreSQL refuses to run as root; otherwise the engine runs as the agent does. */
function identityOf(name: string): { osUser?: { uid: number; gid: number } } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { osUser: { uid: id('-u'), gid: id('-g') } };
}

/** Wakes the agent whose pid file this is; a poke that comes too late is refused (T57). */
function poke(file: string, options: { cluster: string; expires: string }): void {
  const settings = readSettings(file);
  if (settings.cluster !== options.cluster)
    throw new Error(`this node belongs to ${settings.cluster}, not ${options.cluster}`);
  if (Number(options.expires) * 1000 < Date.parse(clock.wall()))
    throw new Error('this poke has expired: nothing is done');
  const pid = runningAgent(settings);
  if (pid === null) throw new Error('the agent of this node is not running');
  process.kill(pid, 'SIGUSR2');
}

/** Of a stop by `fence`, which has no cluster to ask for its own. */
const FENCE_BOUND_MS = 5_000;

const STORE_BOUND_MS = 5_000;

/** Short secrets are guessed. */
const LEAST_SECRET = 32;

function secretOf({ secretFile }: AgentSettings): string {
  const need = 'onStoreLoss is failsafe: the agents need a secret that all of them share';
  if (secretFile === undefined) throw new Error(`${need}; name its file as "secretFile" in the settings of this node`);
  const secret = readFileSync(secretFile, 'utf8').trim();
  if (secret.length < LEAST_SECRET) throw new Error(`${need}, of ${LEAST_SECRET} letters or more: see ${secretFile}`);
  return secret;
}

/** The process that the pid file names, if it is this node's agent. */
function runningAgent(settings: AgentSettings): number | null {
  try {
    const pid = Number(readFileSync(pidFile(settings), 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('mainstay-agent') ? pid : null;
  } catch {
    return null; // never started, or ended
  }
}

async function uninstall(file: string): Promise<void> {
  const settings = readSettings(file);
  const pid = runningAgent(settings);
  if (pid !== null) throw new Error(`the agent is running (process ${pid}): stop it first, then uninstall`);
  await removeGate(settings, clock, ids);
  log('the gate is out of the kernel: whoever reaches the engine by the network is let in again');
}

const program = new Command('mainstay-agent')
  .description('Keeps one node of a Mainstay cluster')
  .version(packageJson.version);
const file = process.env.MAINSTAY_AGENT_CONFIG ?? DEFAULT_SETTINGS_FILE;
program
  .command('run', { isDefault: true })
  .description('keep this node until told to stop (SIGTERM: clean stop, backups do not take over)')
  .option('--config <file>', 'settings of this node', file)
  .action(({ config }: { config: string }) => run(config));
program
  .command('poke')
  .description('wake the running agent: it looks at the lease now')
  .requiredOption('--cluster <name>')
  .requiredOption('--epoch <number>', 'for the log only: what is done depends on the lease')
  .requiredOption('--expires <seconds>', 'Unix time after which the poke is refused')
  .option('--config <file>', 'settings of this node', file)
  .action((options: { config: string; cluster: string; expires: string }) => poke(options.config, options));
/** The store may be what this node cannot reach: its own engine can be stopped and read without peers or timings of the cluster. */
function aloneOf(settings: AgentSettings): PostgresOptions {
  const config = { name: settings.cluster, nodes: [], timings: { engineStopMs: FENCE_BOUND_MS } };
  return optionsOf(settings, config, { name: settings.node, host: 'localhost', port: 5432 });
}
fenceCommand(program, file, (path) => {
  const settings = readSettings(path);
  const driver = createPostgresDriver(aloneOf(settings));
  return { settings, driver, seen: seenEpoch(settings.stateDir), wallMs: Date.parse(clock.wall()), say: log };
});
inspectCommand(program, file, (path) => {
  const settings = readSettings(path);
  return { settings, options: aloneOf(settings), seen: seenEpoch(settings.stateDir), say: tell };
});
ifMainCommand(program, file, async (path, command) => {
  const { settings, config, me } = await placeOf(path);
  const store = createLeaseStore(tableOf(settings, config.timings.storeTimeoutMs));
  const start = (epoch: number) => spawnJob(command, { ...process.env, MAINSTAY_EPOCH: String(epoch) });
  return runIfMain({ cluster: config.name, me: me.name, timings: config.timings, store, clock, start, say: log });
});
installCommand(program, {
  root: process.env.MAINSTAY_ROOT ?? '',
  path: process.env.PATH ?? '/usr/bin:/bin',
  bundle: process.argv[1] ?? '',
  // Within a bound: an upgrade does not wait for a store that is away, it is put off.
  storeAnswers: (path, region) => {
    if (region !== null) process.env.AWS_REGION ??= region;
    const answered = placeOf(path).then(() => true);
    return Promise.race([answered, clock.sleep(STORE_BOUND_MS).then(() => false)]);
  },
  say: log,
});
archiveCommands(program, file, async (path) => {
  const { settings, config, me } = await placeOf(path);
  return driverOf(settings, config, me);
});

program
  .command('uninstall')
  .description("take the gate's rules out of the kernel; data and settings stay where they are")
  .option('--config <file>', 'settings of this node', file)
  .action(({ config }: { config: string }) => uninstall(config));

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`mainstay-agent: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
});
