// Three network namespaces for the gate: a node with the engine, a client and a peer, each on a wire of its own to the node. They
// hang on processes that end with this one, so nothing is left of them whatever happens. Addresses are those of RFC 5737 and 3849.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { until } from './postgres';

export const addresses = {
  client: { v4: '192.0.2.2', v6: '2001:db8:1::2', node: { v4: '192.0.2.1', v6: '2001:db8:1::1' } },
  peer: { v4: '198.51.100.2', v6: '2001:db8:2::2', node: { v4: '198.51.100.1', v6: '2001:db8:2::1' } },
} as const;
export const loopbackAddress = { v4: '127.0.0.1', v6: '::1' } as const;

/** Why this machine cannot have the network, null when it can. */
export function whyNoNetwork(): string | null {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['nft', 'ip', 'ss', 'nsenter', 'unshare']) {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
    } catch {
      return `${program} is not installed`;
    }
  }
  try {
    execFileSync('unshare', ['-n', 'nft', 'list', 'ruleset'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'no nf_tables in a network namespace of its own';
  }
}

/** What runs in a namespace: an engine that acknowledges every line, or a client; told what to do by this process. */
const stationScript = `
const net = require('node:net');
const wires = new Map();
let served = 0;
const tell = (event) => process.send && process.send(event);
const keep = (name, socket) => {
  wires.set(name, socket);
  socket.setNoDelay(true);
  let rest = '';
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      tell({ event: 'line', wire: name, line });
      if (name.startsWith('served')) socket.write('ack ' + line + '\\n');
    }
  });
  socket.on('error', (error) => tell({ event: 'error', wire: name, line: error.code }));
  socket.on('close', () => tell({ event: 'closed', wire: name, line: '' }));
};
const verbs = {
  listen: ([port], done) => {
    const server = net.createServer((socket) => keep('served' + ++served, socket));
    server.listen({ port, host: '::' }, () => done('listening'));
  },
  connect: ([name, host, port], done) => {
    const socket = net.connect({ host, port });
    const bound = setTimeout(() => socket.destroy(Object.assign(new Error('silence'), { code: 'SILENCE' })), 3000);
    socket.once('connect', () => { clearTimeout(bound); keep(name, socket); done('connected'); });
    socket.once('error', (error) => done(error.code));
  },
  say: ([name, line], done) => { wires.get(name).write(line + '\\n'); done('said'); },
  sayToAll: ([line], done) => { for (const socket of wires.values()) socket.write(line + '\\n'); done('said'); },
};
process.on('message', ({ id, verb, args }) => verbs[verb](args, (answer) => tell({ id, answer })));
process.on('disconnect', () => process.exit());
tell({ event: 'up' });
`;

/**
 * An agent for `node -e` (arguments: bundle of the gate, settings, ms) that promises, tells, waits until the store (its parent)
 * has taken the renewal, confirms, tells, and so on.
 */
export const renewingAgent = `
const { createNftablesGate } = require(process.argv[1]);
const clock = { nowMs: () => performance.now(), wall: () => '', sleep: (ms) => new Promise((done) => setTimeout(done, ms)) };
const ids = { next: () => String(process.hrtime.bigint()) + process.pid };
const [settings, promiseMs] = process.argv.slice(2);
const gate = createNftablesGate({ settings: JSON.parse(settings), clock, ids, answerMs: 5000 });
const tell = (line) => process.send({ event: 'agent', wire: '', line });
const renew = async () => {
  const counted = await gate.promise(Number(promiseMs));
  tell('promised');
  await new Promise((taken) => process.once('message', taken));
  const confirmed = await gate.confirm(counted.value);
  tell(confirmed.ok ? 'confirmed' : confirmed.error.code);
  if (confirmed.ok) setImmediate(renew);
};
gate.install().then(renew);
`;

interface Heard {
  event: string;
  wire: string;
  line: string;
}

export class Station {
  readonly heard: Heard[] = [];
  private asked = 0;
  private readonly waiting = new Map<number, (answer: string) => void>();

  constructor(readonly process: ChildProcess) {
    process.on('message', (message: { id?: number; answer: string } & Heard) => {
      if (message.id === undefined) this.heard.push(message);
      else this.waiting.get(message.id)?.(message.answer);
    });
  }

  ask(verb: string, ...args: (string | number)[]): Promise<string> {
    this.asked += 1;
    const id = this.asked;
    this.process.send({ id, verb, args });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  hasHeard = (line: string, wire?: string): boolean =>
    this.heard.some((heard) => heard.line === line && (wire === undefined || heard.wire === wire));
  lost = (wire: string): boolean => this.heard.some(({ event, wire: of }) => of === wire && event === 'closed');
  get pid(): number {
    return this.process.pid ?? 0;
  }
}

type Place = 'node' | 'client' | 'peer';

export class GateNetwork {
  private readonly holders = new Map<Place, ChildProcess>();
  private readonly started: ChildProcess[] = [];

  static async start(): Promise<GateNetwork> {
    const network = new GateNetwork();
    try {
      await network.build();
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /** What stands before a command that is to run there. */
  at = (place: Place): string[] => ['nsenter', `--net=/proc/${this.holders.get(place)?.pid}/ns/net`];

  run(place: Place, ...command: string[]): string {
    const [program = '', ...args] = [...this.at(place), ...command];
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  start(place: Place, args: string[]): ChildProcess {
    const [program = '', ...before] = this.at(place);
    const child = spawn(program, [...before, process.execPath, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.started.push(child);
    return child;
  }

  async station(place: Place): Promise<Station> {
    const station = new Station(this.start(place, ['-e', stationScript]));
    await until(`the station at the ${place} is up`, () => station.heard.length > 0);
    return station;
  }

  async stop(): Promise<void> {
    const all = [...this.started, ...this.holders.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const gone = all.map((child) => once(child, 'exit'));
    for (const child of all) child.kill('SIGKILL');
    await Promise.all(gone);
  }

  private async build(): Promise<void> {
    const own = readlinkSync('/proc/self/ns/net');
    for (const place of ['node', 'client', 'peer'] as const) {
      // Ends when this process does: its standard input ends then.
      const holder = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
      this.holders.set(place, holder);
      const entered = () => {
        const [there, program] = [`/proc/${holder.pid}/ns/net`, `/proc/${holder.pid}/exe`].map((path) =>
          readlinkSync(path),
        );
        return there !== own && !program?.endsWith('unshare');
      };
      await until(`the namespace of the ${place}`, entered);
      this.run(place, 'ip', 'link', 'set', 'lo', 'up');
    }
    for (const place of ['client', 'peer'] as const) {
      const far = String(this.holders.get(place)?.pid);
      this.run('node', 'ip', 'link', 'add', `to-${place}`, 'type', 'veth', 'peer', 'name', 'wire', 'netns', far);
      const { v4, v6, node } = addresses[place];
      this.address('node', `to-${place}`, node);
      this.address(place, 'wire', { v4, v6 });
    }
  }

  private address(place: Place, device: string, { v4, v6 }: { v4: string; v6: string }): void {
    this.run(place, 'ip', 'addr', 'add', `${v4}/24`, 'dev', device);
    this.run(place, 'ip', 'addr', 'add', `${v6}/64`, 'dev', device, 'nodad');
    this.run(place, 'ip', 'link', 'set', device, 'up');
  }
}
