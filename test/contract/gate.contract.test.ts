// The gate's contract on the real kernel: a node, a client and a peer in network namespaces of their own, real TCP
// between them. What can only be true of a kernel is tried below the suite. Needs root, nft, ip, ss; says so where they are missing.

import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock, createSystemIds } from '../../adapters/system';
import { createNftablesGate, installGate } from '../../agent/gate/nftables';
import type { GateSettings } from '../../agent/gate/rules';
import type { Gate } from '../../core/gate';
import type { Clock } from '../../core/ports';
import {
  addresses,
  GateNetwork,
  loopbackAddress,
  renewingAgent,
  type Station,
  whyNoNetwork,
} from '../support/gate-network';
import { until } from '../support/postgres';
import { problem, value } from '../support/samples';
import { A_WHILE_MS, type From, gateContract, LONG_MS, renewed, type Session } from './suites/gate';

jest.setTimeout(30_000);

/** Bounds that are not reached keep no test running. */
const clock: Clock = {
  ...createSystemClock(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()),
};
const ids = createSystemIds();

const missing = whyNoNetwork();
if (missing !== null) it(`the kernel's gate is not tried on this machine: ${missing}`, () => undefined);
else describe('on this kernel', onThisKernel);

const PORT = 5432;
const OTHER_PORT = 2200;
/** Many times what a packet takes here, if the machine is not busy; then the control decides. */
const ACKNOWLEDGED_WITHIN_MS = 60;
const PATIENT_MS = 5000;
/** Retransmissions are this far apart at most, after the second or so that these tests keep a gate shut. */
const RETRANSMITTED_WITHIN_MS = 5000;

function onThisKernel(): void {
  let network: GateNetwork;
  let engine: Station;
  let stations: Record<From | 'local', Station>;
  let gates: Gate[] = [];
  let agents: ChildProcess[] = [];
  let sessions = 0;

  beforeAll(async () => {
    network = await GateNetwork.start();
    const [client, peer, local] = await Promise.all([
      network.station('client'),
      network.station('peer'),
      network.station('node'),
    ]);
    stations = { client, peer, local };
    await startEngine();
  });
  afterEach(async () => {
    for (const agent of agents) agent.kill('SIGKILL');
    agents = [];
    for (const gate of gates) await gate.stop();
    gates = [];
    network.run('node', 'nft', 'flush', 'ruleset');
  });
  afterAll(() => network?.stop());

  async function startEngine(): Promise<void> {
    engine = await network.station('node');
    for (const port of [PORT, OTHER_PORT]) await engine.ask('listen', port);
  }

  const settings = (change: Partial<GateSettings> = {}): GateSettings => ({
    cluster: 'a-b',
    ports: [PORT, PORT + 1],
    peers: [addresses.peer.v4, addresses.peer.v6],
    loopback: 'gated',
    ...change,
  });

  function gateWith(change: Partial<GateSettings> = {}, nft: string[] = ['nft']): Gate {
    const at = network.at('node');
    const gate = createNftablesGate({
      settings: settings(change),
      clock,
      ids,
      nft: [...at, ...nft],
      ss: [...at, 'ss'],
      answerMs: PATIENT_MS,
    });
    gates.push(gate);
    return gate;
  }

  async function connect(
    from: From | 'local',
    family: 'v4' | 'v6' = 'v4',
    port = PORT,
  ): Promise<(Session & { wire: string }) | null> {
    const station = stations[from];
    sessions += 1;
    const wire = `${from}${sessions}`;
    if ((await station.ask('connect', wire, loopbackOr(from, family), port)) !== 'connected') return null;
    let words = 0;
    const came = () => station.hasHeard(`ack ${wire}-${words}`, wire);
    return {
      wire,
      acknowledged: async () => {
        words += 1;
        await station.ask('say', wire, `${wire}-${words}`);
        const quick = await until('an answer', came, ACKNOWLEDGED_WITHIN_MS).catch(() => false);
        // No answer counts only when both ends have answered each other elsewhere meanwhile.
        if (!quick) await controlled(from);
        return quick || until('an answer', came, ACKNOWLEDGED_WITHIN_MS).catch(() => false);
      },
      acknowledgedLate: async () => {
        await until('an answer or the end', () => came() || station.lost(wire), RETRANSMITTED_WITHIN_MS).catch(
          () => false,
        );
        return came();
      },
      ended: () => until('the end', () => station.lost(wire), RETRANSMITTED_WITHIN_MS).catch(() => false),
    };
  }

  /** Said and answered twice between the same processes, on the port that has no gate. */
  async function controlled(from: From | 'local'): Promise<void> {
    const station = stations[from];
    sessions += 1;
    const wire = `control${sessions}`;
    await station.ask('connect', wire, loopbackOr(from), OTHER_PORT);
    for (const word of ['once', 'twice']) {
      await station.ask('say', wire, word);
      await until('the control is answered', () => station.hasHeard(`ack ${word}`, wire));
    }
  }

  const loopbackOr = (from: From | 'local', family: 'v4' | 'v6' = 'v4'): string =>
    from === 'local' ? loopbackAddress[family] : addresses[from].node[family];

  async function letIn(
    from: From | 'local',
    family: 'v4' | 'v6' = 'v4',
    port = PORT,
  ): Promise<Session & { wire: string }> {
    const session = await connect(from, family, port);
    if (session === null) throw new Error(`${from} was not let in`);
    return session;
  }

  const passed = async (ms: number): Promise<void> => {
    const endMs = clock.nowMs() + ms;
    await until(`${ms} ms have passed`, () => clock.nowMs() >= endMs, ms + 5000);
  };

  gateContract('nftables', async () => ({
    gate: gateWith(),
    another: () => gateWith(),
    connect,
    passed,
    flush: async () => void network.run('node', 'nft', 'flush', 'ruleset'),
  }));

  describe('IPv6 and loopback', () => {
    it('IPv6: as IPv4: clients while promised, peers always', async () => {
      const gate = gateWith();
      value(await gate.install());
      expect(await connect('client', 'v6')).toBeNull();
      expect(await (await letIn('peer', 'v6')).acknowledged()).toBe(true);
      await renewed(gate, LONG_MS);
      const session = await letIn('client', 'v6');
      expect(await session.acknowledged()).toBe(true);
      await renewed(gate, A_WHILE_MS);
      await passed(A_WHILE_MS);
      expect(await session.acknowledged()).toBe(false);
      value(await gate.shut());
      expect(await session.ended()).toBe(true);
    });

    it.each(['v4', 'v6'] as const)(
      'T17: clients on the node itself are gated, or not, as the settings say (%s)',
      async (family) => {
        const gated = gateWith();
        value(await gated.install());
        expect(await connect('local', family)).toBeNull();
        const open = gateWith({ loopback: 'open' });
        expect(value(await open.install())).toBe('installed');
        const session = await letIn('local', family);
        expect(await connect('client', family)).toBeNull();
        value(await open.shut());
        expect(await session.acknowledged()).toBe(true);
      },
    );
  });

  describe('what is not the engine is never touched', () => {
    it('another port of the same node is open whatever the gate does, also when the rules are being changed', async () => {
      const gate = gateWith();
      value(await gate.install());
      const session = await letIn('client', 'v4', OTHER_PORT);
      for (const change of [
        () => gate.shut(),
        () => renewed(gate, A_WHILE_MS),
        () => gate.openReadOnly(),
        () => gate.remove(),
      ]) {
        await change();
        expect(await session.acknowledged()).toBe(true);
      }
    });

    it('only its own table comes and goes', async () => {
      network.run('node', 'nft', 'add', 'table', 'inet', 'somebody_else');
      const gate = gateWith();
      value(await gate.install());
      expect(network.run('node', 'nft', 'list', 'tables')).toBe('table inet somebody_else\ntable inet mainstay_a_b\n');
      value(await gate.remove());
      expect(network.run('node', 'nft', 'list', 'tables')).toBe('table inet somebody_else\n');
    });

    it('a rule that somebody took out of the table is noticed and put back', async () => {
      const gate = gateWith();
      value(await gate.install());
      network.run('node', 'nft', 'flush', 'chain', 'inet', 'mainstay_a_b', 'leaving');
      expect(await gate.status()).toMatchObject({ intact: false, state: 'shut' });
      value(await gate.shut());
      expect(await gate.status()).toMatchObject({ intact: true, repairs: 1 });
      expect(await connect('client')).toBeNull();
    });

    it('other peers, ports or policy replace the rules; the same ones keep them', async () => {
      value(await gateWith().install());
      expect(value(await gateWith().install())).toBe('kept');
      expect(value(await gateWith({ peers: [addresses.client.v4] }).install())).toBe('installed');
      expect(await connect('client')).not.toBeNull();
      expect(await connect('peer')).toBeNull();
    });
  });

  describe('nothing that was said too late gets out', () => {
    it('an engine that speaks by itself after the promise is not heard, though its sessions were open', async () => {
      const gate = gateWith();
      await renewed(gate, LONG_MS);
      const [client, peer] = [await letIn('client'), await letIn('peer')];
      expect(await client.acknowledged()).toBe(true);
      expect(await peer.acknowledged()).toBe(true);
      await renewed(gate, A_WHILE_MS);
      await passed(A_WHILE_MS);
      await engine.ask('sayToAll', 'too-late');
      await until('the peer hears it', () => stations.peer.hasHeard('too-late', peer.wire));
      await controlled('client');
      expect(stations.client.hasHeard('too-late', client.wire)).toBe(false);
    });

    it('what a killed engine leaves behind in the kernel is not sent when the gate is opened for reading later', async () => {
      const gate = gateWith();
      await renewed(gate, LONG_MS);
      const session = await letIn('client');
      expect(await session.acknowledged()).toBe(true);
      await renewed(gate, A_WHILE_MS);
      await passed(A_WHILE_MS);
      await engine.ask('sayToAll', 'stale-commit');
      process.kill(engine.pid, 'SIGKILL');
      const orphans = () => network.run('node', 'ss', '-Htn', 'state', 'fin-wait-1', `( sport = :${PORT} )`).trim();
      await until('its session is an orphan of the kernel', () => orphans() !== '');
      await startEngine();
      value(await gate.openReadOnly());
      expect(orphans()).toBe('');
      expect(await session.ended()).toBe(true);
      expect(stations.client.hasHeard('stale-commit', session.wire)).toBe(false);
    });

    it('stays shut when sessions cannot be cut, and says so', async () => {
      const at = network.at('node');
      const nft = [...at, 'nft'];
      const gate = createNftablesGate({ settings: settings(), clock, ids, nft, ss: ['false'], answerMs: PATIENT_MS });
      gates.push(gate);
      expect(problem(await gate.openReadOnly()).code).toBe('SessionsLeft');
      expect((await gate.status()).state).toBe('shut');
      expect((await gate.status()).problem).toContain('ss cannot be asked');
    });
  });

  describe('T5, T6: processes that die or stand still', () => {
    const bundleDir = mkdtempSync(join(tmpdir(), 'msg-'));
    const bundle = join(bundleDir, 'gate.js');
    beforeAll(() => {
      const root = join(__dirname, '..', '..');
      const args = [
        join(root, 'agent/gate/nftables.ts'),
        '--bundle',
        '--platform=node',
        `--outfile=${bundle}`,
        '--log-level=error',
      ];
      execFileSync(join(root, 'node_modules/.bin/esbuild'), args, { timeout: 20_000 });
    });
    afterAll(() => rmSync(bundleDir, { recursive: true, force: true }));

    async function agent(promiseMs: number) {
      const args = ['-e', renewingAgent, bundle, JSON.stringify(settings()), String(promiseMs)];
      const child = network.start('node', args);
      agents.push(child);
      const told: string[] = [];
      child.on('message', ({ line }: { line: string }) => told.push(line));
      const taken = () => child.send('taken');
      const count = (line: string) => told.filter((one) => one === line).length;
      await until('it promises', () => count('promised') === 1);
      taken();
      await until('it has confirmed, and promises again', () => count('promised') === 2);
      return { pid: child.pid ?? 0, told, count, taken };
    }

    it('T6: the agent killed with -9: an open session gets nothing once the promise is over, and not before', async () => {
      const { pid } = await agent(2000);
      const session = await letIn('client');
      process.kill(pid, 'SIGKILL');
      expect(await session.acknowledged()).toBe(true);
      const fromMs = clock.nowMs();
      const { leftMs } = await gateWith().status();
      let lastMs = 0;
      while (await session.acknowledged()) lastMs = clock.nowMs() - fromMs;
      // Not later than a busy machine needs to hear it, not earlier than between two words on it.
      expect(lastMs - (leftMs ?? 0)).toBeLessThan(150);
      expect(lastMs - (leftMs ?? 0)).toBeGreaterThan(-500);
      expect(await session.acknowledgedLate()).toBe(false);
    });

    it('T5, T14: agent, nft and engine frozen past the promise and thawed: no acknowledgement, and the late confirmation is refused', async () => {
      const { pid, told, taken } = await agent(2000);
      const session = await letIn('client');
      expect(await session.acknowledged()).toBe(true);
      const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).split('\n');
      const frozen = [pid, engine.pid, ...children.map(Number).filter(Boolean)];
      expect(frozen).toHaveLength(3);
      for (const one of frozen) process.kill(one, 'SIGSTOP');
      // It is in the engine's buffer before the promise ends: the engine will read and acknowledge it after the thaw.
      await stations.client.ask('say', session.wire, 'frozen-commit');
      await passed(2000);
      const look = gateWith();
      await until('the promise is over', async () => (await look.status()).state === 'shut');
      taken();
      for (const one of frozen.reverse()) process.kill(one, 'SIGCONT');
      await until('the engine took it for committed', () => engine.hasHeard('frozen-commit'));
      await until('the agent has tried to confirm', () => told.length > 3);
      expect(told.slice(3)).toEqual(['Lapsed']);
      await passed(1500);
      expect(stations.client.hasHeard('ack frozen-commit', session.wire)).toBe(false);
      expect(await connect('client')).toBeNull();
      await renewed(look, LONG_MS);
      expect(await (await letIn('client')).acknowledged()).toBe(true);
    });

    it('T5: nft frozen between the promise and its confirmation: refused by the kernel after the thaw', async () => {
      const counted = value(await gateWith().promise(A_WHILE_MS));
      const late = gateWith({}, ['bash', '-c', 'kill -STOP $$; exec nft "$@"', 'nft']);
      const confirmed = late.confirm(counted);
      const stopped = () =>
        execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
          .split('\n')
          .find((line) => / T\w* +bash -c kill -STOP/.test(line));
      const pid = Number(
        String(await until('nft stands still', () => stopped() ?? false))
          .trim()
          .split(' ')[0],
      );
      await passed(A_WHILE_MS);
      process.kill(pid, 'SIGCONT');
      expect(problem(await confirmed).code).toBe('Lapsed');
      expect(await connect('client')).toBeNull();
    });

    it('nft that is killed is started again, and one that never answers is given up', async () => {
      const gate = gateWith();
      value(await gate.install());
      const children = execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', String(process.pid)], { encoding: 'utf8' });
      const mine = [...children.matchAll(/(\d+) nft$/gm)].map(([, pid]) => Number(pid));
      expect(mine).toHaveLength(1);
      for (const pid of mine) process.kill(pid, 'SIGKILL');
      await renewed(gate, LONG_MS);
      expect(await connect('client')).not.toBeNull();
      const silent = createNftablesGate({ settings: settings(), clock, ids, nft: ['sleep', '1000'], answerMs: 200 });
      gates.push(silent);
      expect(problem(await silent.promise(LONG_MS)).code).toBe('NotApplied');
    });
  });

  describe('a node that cannot have one', () => {
    it('says that the gate is absent, and why, without the right to change rules', async () => {
      const nft = [...network.at('node'), 'setpriv', '--reuid=65534', '--bounding-set=-all', '--inh-caps=-all', 'nft'];
      const gate = value(await installGate({ settings: settings(), clock, ids, nft }));
      expect(await gate.status()).toMatchObject({ state: 'absent', problem: expect.stringContaining('not permitted') });
    });
  });
}
