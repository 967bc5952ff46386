// A network of our own for one stack: every place is a network namespace with one wire to a switch, and the switch drops what it is
// told to. The namespaces hang on processes that end with this one, so nothing is left of them whatever happens. Root only.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Where a packet is dropped: on its way from the first place to the second. */
export type Cut = readonly [from: string, to: string];

const tools = ['nft', 'ip', 'ss', 'tc', 'nsenter', 'unshare', 'arping'];
export const packages = ['nftables', 'iproute2', 'util-linux', 'iputils-arping'];
const switchPlace = 'switch';
const device = 'eth0';
const prefix = { v4: 24, v6: 64 };

/** RFC 1918 and RFC 4193: a place's number is the last part of both. */
export const addressOf = (number: number): { v4: string; v6: string } => ({
  v4: `10.77.0.${number}`,
  v6: `fd77::${number.toString(16)}`,
});

/** Why this machine cannot have such a network, null when it can. */
export function whyNoNetwork(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const tool of tools) {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' });
    } catch {
      return `${tool} is not installed: apt-get install ${packages.join(' ')}`;
    }
  }
  try {
    execFileSync('unshare', ['-n', 'nft', 'list', 'ruleset'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'this kernel gives no nf_tables to a network namespace of its own';
  }
}

export class Network {
  private readonly holders = new Map<string, ChildProcess>();
  private vipAt: string | null = null;

  private constructor(
    readonly numbers: Readonly<Record<string, number>>,
    readonly vip: string,
  ) {}

  /** `numbers`: places by name (at most 15 letters), each with the last part of its address. */
  static async build(numbers: Readonly<Record<string, number>>, vipNumber: number): Promise<Network> {
    const network = new Network(numbers, addressOf(vipNumber).v4);
    try {
      await network.wire();
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  address(place: string): { v4: string; v6: string } {
    const number = this.numbers[place];
    if (number === undefined) throw new Error(`no place '${place}' in this network`);
    return addressOf(number);
  }

  /** What stands before a command that is to run there. The command keeps the process id. */
  at = (place: string): string[] => ['nsenter', `--net=/proc/${this.holderOf(place).pid}/ns/net`, '--'];

  /** The same with the place's own mounts, in this folder: `nsenter` would leave it for `/`. */
  inside = (place: string, folder: string): string[] => {
    const of = `/proc/${this.holderOf(place).pid}/ns`;
    return ['nsenter', `--net=${of}/net`, `--mount=${of}/mnt`, `--wd=${folder}`, '--'];
  };

  run(place: string, ...command: string[]): string {
    const [program = '', ...args] = [...this.at(place), ...command];
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** A server there whose connections this process accepts: a listening socket stays in the namespace it was made in. */
  async listen(place: string, port: number): Promise<Server> {
    const script =
      'const server = require("node:net").createServer();' +
      'server.listen({ host: process.argv[1], port: Number(process.argv[2]) }, () => process.send("server", server, () => process.exit()));';
    const [program = '', ...before] = this.at(place);
    const child = spawn(program, [...before, process.execPath, '-e', script, this.address(place).v4, String(port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [, server] = (await once(child, 'message')) as [string, Server];
    return server;
  }

  // ---- the VIP

  /** The address moves as a cloud moves one: from outside, whatever runs there; and everybody hears where it is (T44). */
  giveVip(place: string | null): void {
    if (this.vipAt === place) return;
    if (this.vipAt !== null) this.run(this.vipAt, 'ip', 'addr', 'del', `${this.vip}/32`, 'dev', device);
    this.vipAt = place;
    if (place === null) return;
    this.run(place, 'ip', 'addr', 'add', `${this.vip}/32`, 'dev', device);
    // Sent at once; the tool stays for a second to listen, which nobody waits for.
    const [program = '', ...args] = [...this.at(place), 'arping', '-q', '-U', '-c', '1', '-I', device, this.vip];
    spawn(program, args, { stdio: 'ignore' }).unref();
  }

  // ---- faults

  /** Nothing passes from the first place to the second of each pair; replaces the earlier cuts. */
  cut(cuts: readonly Cut[]): void {
    const pairs = cuts.map(([from, to]) => `"${from}" . "${to}"`);
    const filled = pairs.length > 0 ? `; add element bridge faults cut { ${pairs.join(', ')} }` : '';
    this.run(switchPlace, 'nft', `flush set bridge faults cut${filled}`);
  }

  /** Percent of all packets to and from this place that get lost; 0 ends it. */
  lose(place: string, percent: number): void {
    const rules = percent > 0 ? ['iifname', 'oifname'].map((way) => lossRule(way, place, percent)) : [];
    this.run(switchPlace, 'nft', ['flush chain bridge faults losing', ...rules].join('; '));
  }

  /** So many kbit/s towards this place and from it; null ends it. */
  slow(place: string, kbit: number | null): void {
    const shape = kbit === null ? [] : ['tbf', 'rate', `${kbit}kbit`, 'burst', '16kb', 'latency', '400ms'];
    for (const [where, what] of [
      [place, device],
      [switchPlace, place],
    ] as const) {
      try {
        this.run(where, 'tc', 'qdisc', 'del', 'dev', what, 'root');
      } catch {
        // It was not slow.
      }
      if (kbit !== null) this.run(where, 'tc', 'qdisc', 'add', 'dev', what, 'root', ...shape);
    }
  }

  async close(): Promise<void> {
    const living = [...this.holders.values()].filter(({ exitCode, signalCode }) => exitCode === null && !signalCode);
    const gone = living.map((holder) => once(holder, 'exit'));
    for (const holder of living) holder.kill('SIGKILL');
    await Promise.all(gone);
  }

  // ---- building

  private holderOf(place: string): ChildProcess {
    const holder = this.holders.get(place);
    if (!holder) throw new Error(`no place '${place}' in this network`);
    return holder;
  }

  private async wire(): Promise<void> {
    await Promise.all([switchPlace, ...Object.keys(this.numbers)].map((place) => this.make(place)));
    this.run(switchPlace, 'ip', 'link', 'add', 'bridge', 'type', 'bridge');
    this.run(switchPlace, 'ip', 'link', 'set', 'bridge', 'up');
    const table = [
      'add table bridge faults',
      'add set bridge faults cut { type ifname . ifname; }',
      'add chain bridge faults losing',
      'add chain bridge faults passing { type filter hook forward priority 0; policy accept; }',
      'add rule bridge faults passing iifname . oifname @cut drop',
      'add rule bridge faults passing jump losing',
    ];
    this.run(switchPlace, 'nft', table.join('; '));
    for (const place of Object.keys(this.numbers)) this.connect(place);
  }

  private async make(place: string): Promise<void> {
    // Ends when this process does: its standard input ends then.
    const holder = spawn('unshare', ['-n', '-m', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
    this.holders.set(place, holder);
    const own = readlinkSync('/proc/self/ns/net');
    const entered = (): boolean => {
      const [there, program] = [`/proc/${holder.pid}/ns/net`, `/proc/${holder.pid}/exe`].map((path) =>
        readlinkSync(path),
      );
      return there !== own && !program?.endsWith('unshare');
    };
    for (let round = 0; !entered(); round++) {
      if (round > 1000 || holder.exitCode !== null) throw new Error(`no network namespace for ${place}`);
      await delay(5);
    }
    this.run(place, 'ip', 'link', 'set', 'lo', 'up');
  }

  private connect(place: string): void {
    const far = String(this.holderOf(place).pid);
    const { v4, v6 } = this.address(place);
    this.run(switchPlace, 'ip', 'link', 'add', place, 'type', 'veth', 'peer', 'name', device, 'netns', far);
    this.run(switchPlace, 'ip', 'link', 'set', place, 'master', 'bridge', 'up');
    this.run(place, 'ip', 'addr', 'add', `${v4}/${prefix.v4}`, 'dev', device);
    this.run(place, 'ip', 'addr', 'add', `${v6}/${prefix.v6}`, 'dev', device, 'nodad');
    this.run(place, 'ip', 'link', 'set', device, 'up');
  }
}

const lossRule = (way: string, place: string, percent: number): string =>
  `add rule bridge faults losing ${way} "${place}" numgen random mod 100 < ${Math.round(percent)} drop`;

/** Every pair between the two sides, in both directions. */
export const between = (one: readonly string[], other: readonly string[]): Cut[] =>
  one.flatMap((a) =>
    other.flatMap((b): Cut[] => [
      [a, b],
      [b, a],
    ]),
  );
