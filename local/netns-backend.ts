// The netns backend: each node a network namespace with an address of its own on a switch, the VIP a real address, the emulated
// account behind the same switch. Whatever a network, a disk or a whole machine does to a node can be ordered here. Root only.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Backend, Order } from './backend';
import { nodeFiles } from './layout';
import { between, type Cut, Network, whyNoNetwork } from './network';

const execute = promisify(execFile);

const enginePort = 5432;
const agentPort = 8009;
const restPort = 8008;
const vipNumber = 10;
const cloud = 'cloud';
const clients = 'clients';
/** A client that stands beside a node, on its side of every cut. */
const beside = (node: string): string => `by-${node}`;

export interface NetnsOptions {
  names: readonly string[];
  /** Size of a disk of its own for each node; null: none, and no disk can be filled or stalled. */
  diskMiB: number | null;
}

export async function createNetnsBackend({ names, diskMiB }: NetnsOptions): Promise<Backend> {
  const why = whyNoNetwork();
  if (why !== null) throw new Error(`the netns backend is not possible here: ${why}`);
  const numbered = (from: number, of: (name: string) => string) =>
    Object.fromEntries(names.map((name, index) => [of(name), from + index]));
  const places = { [cloud]: 1, [clients]: 100, ...numbered(11, (name) => name), ...numbered(31, beside) };
  const network = await Network.build(places, vipNumber);
  const vip = network.vip;
  const account = new AccountLine(network);
  const folders = new Map<string, string>();
  const all = Object.keys(places);
  return {
    kind: 'netns',
    nodes: names.map((name) => ({ host: network.address(name).v4, port: enginePort, agentPort, restPort })),
    vip: { host: vip, port: enginePort },
    agentSettings: { gate: { loopback: 'gated' }, listen: '*' },
    hostRules: ['host all all 10.77.0.0/24 trust', 'host replication all 10.77.0.0/24 trust'],
    at: (name) => network.inside(name, folders.get(name) ?? '/'),
    places: Object.fromEntries([clients, ...names.map(beside)].map((place) => [place, network.at(place)])),
    endpointFor: (emulator) => account.open(emulator),
    prepare: async (name, dir) => {
      folders.set(name, dir);
      if (diskMiB !== null) await ownDisk(network.inside(name, dir), dir, diskMiB);
    },
    doorToVip: (dir) => openDoor(network.at(clients), join(dir, 'door'), vip),
    leadVip: (name) => network.giveVip(name),
    orders: {
      /** `cuts=db1>db2,db2>db1`: exactly these from now on; none heals. */
      cut: async ({ parameters }) => network.cut(cutsOf(parameters.get('cuts') ?? '', all)),
      lose: async (order) => network.lose(nameOf(order), Number(order.parameters.get('percent'))),
      slow: async (order) => network.slow(nameOf(order), Number(order.parameters.get('kbit')) || null),
      'fill-disk': async (order) =>
        fillDisk(network.inside(nameOf(order), folderOf(folders, order)), folderOf(folders, order)),
      'free-disk': async (order) =>
        run(network.inside(nameOf(order), '/'), 'rm', '-f', filler(folderOf(folders, order))),
      'stall-disk': async (order) =>
        run(network.inside(nameOf(order), '/'), 'fsfreeze', '-f', nodeFiles(folderOf(folders, order)).volume),
      'revive-disk': async (order) =>
        run(network.inside(nameOf(order), '/'), 'fsfreeze', '-u', nodeFiles(folderOf(folders, order)).volume),
    },
    heal: async () => {
      network.cut([]);
      for (const [name, dir] of diskMiB === null ? [] : folders)
        await run(network.inside(name, '/'), 'fsfreeze', '-u', nodeFiles(dir).volume).catch(() => undefined);
    },
    close: async () => {
      account.close();
      await network.close();
    },
  };
}

/** The cuts that part a node, and whoever stands beside it, from these places. */
export const isolating = (node: string, from: readonly string[]): Cut[] => between([node, beside(node)], from);

/** How a cut is written in an order. */
export const written = (cuts: readonly Cut[]): string => cuts.map(([from, to]) => `${from}>${to}`).join(',');

function cutsOf(text: string, places: readonly string[]): Cut[] {
  return text
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [from = '', to = ''] = pair.split('>');
      for (const place of [from, to]) if (!places.includes(place)) throw new Error(`no place '${place}' to cut`);
      return [from, to];
    });
}

function nameOf({ node, name }: Order): string {
  if (!node) throw new Error(`${name} needs a node`);
  return node.facts.name;
}

const folderOf = (folders: Map<string, string>, order: Order): string => folders.get(nameOf(order)) ?? '';
const filler = (dir: string): string => join(nodeFiles(dir).volume, 'filler');

async function run(at: readonly string[], ...command: string[]): Promise<void> {
  const [program = '', ...args] = [...at, ...command];
  await execute(program, args);
}

/** Why this machine cannot give nodes disks of their own, null when it can: a container often has no loop devices. */
export function whyNoDisks(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'mainstay-disk-'));
  try {
    const [image, point] = [join(dir, 'disk'), join(dir, 'point')];
    const script = 'truncate -s 8M "$1" && mkfs.ext4 -q "$1" && mkdir "$2" && mount -o loop "$1" "$2"';
    execFileSync('unshare', ['-m', 'sh', '-c', script, 'disk', image, point], { stdio: ['ignore', 'ignore', 'pipe'] });
    return null;
  } catch (error) {
    return `no disks of their own for nodes: ${error instanceof Error ? error.message.split('\n')[1] : error}`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A file system in a file, mounted in the node's own mount namespace: it goes with it. */
async function ownDisk(at: readonly string[], dir: string, sizeMiB: number): Promise<void> {
  const [image, fresh, { volume }] = [join(dir, 'disk'), join(dir, 'fresh'), nodeFiles(dir)];
  await run([], 'truncate', '-s', `${sizeMiB}M`, image);
  await run([], 'mkfs.ext4', '-q', '-m', '0', image);
  await run([], 'mkdir', fresh);
  await run(at, 'mount', '-o', 'loop', image, fresh);
  await run(at, 'cp', '-a', `${volume}/.`, fresh);
  await run(at, 'mount', '--move', fresh, volume);
}

/** Ends with this process: its standard input ends then. */
async function openDoor(at: readonly string[], folder: string, host: string): Promise<string> {
  await mkdir(folder);
  const [program = '', ...args] = [
    ...at,
    process.execPath,
    '--import',
    require.resolve('tsx'),
    join(__dirname, 'door.ts'),
  ];
  const child = spawn(program, [...args, folder, host, String(enginePort)], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  await once(child.stdout, 'data');
  return folder;
}

/** Until nothing fits any more; that `head` fails then is the point. */
async function fillDisk(at: readonly string[], dir: string): Promise<void> {
  await run(at, 'sh', '-c', 'head -c 100G /dev/zero > "$1" || true; sync -f "$1"', 'fill', filler(dir));
}

/** Where the nodes find the emulated account: an address on the switch, relayed to the emulator's on this machine's loopback. */
class AccountLine {
  private server: Server | null = null;

  constructor(private readonly network: Network) {}

  async open(emulator: URL): Promise<string> {
    const port = Number(emulator.port);
    this.server = await this.network.listen(cloud, port);
    this.server.on('connection', (near) => {
      const far = connect({ host: emulator.hostname, port, noDelay: true });
      near.setNoDelay(true);
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    return `http://${this.network.address(cloud).v4}:${port}`;
  }

  close(): void {
    this.server?.close();
  }
}
